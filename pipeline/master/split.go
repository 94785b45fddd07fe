package master

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// maxAhead bounds the chunks that lie in pending/ over all jobs, so that a season dropped at once does
// not lie twice on the disk, while two hundred workers still find something.
const maxAhead = 400

// startSplit makes the chunks that are nowhere (T3). Those of a plan that this master has just made are
// made at once; of another master's only when they were missing long enough, because listings are not
// atomic and that master may be at it.
func (m *Master) startSplit(j *job, state []pipeline.ChunkFile, chunks *pipeline.JobChunks) {
	if m.tasks.busy("split/"+j.ID) || m.full != "" {
		return
	}
	missing := j.missing(state, m.missingFor(), m.gap())
	room := maxAhead - m.pending
	if len(missing) == 0 || room <= 0 {
		return
	}
	missing = missing[:min(room, len(missing))]
	attempts := chunks.Attempts(len(state))
	plan := j.plan
	m.tasks.start("split/"+j.ID, 1, func(ctx context.Context) func() {
		made, err := m.split(ctx, plan, missing, attempts)
		return func() {
			if made > 0 {
				j.next = max(j.next, missing[made-1]+1)
			}
			clear(j.nowhere)
			if err != nil {
				m.later(j, "cannot split", err)
			}
		}
	})
}

// missing returns the chunks to be made: those that were never made yet, and those that no listing has
// had for so long that they can't just be on their way.
func (j *job) missing(state []pipeline.ChunkFile, wait, gap time.Duration) []int {
	var out []int
	for i, c := range state {
		switch {
		case c.State != pipeline.Nowhere:
			delete(j.nowhere, i)
		case i >= j.next, waitFor(&j.nowhere, i).seen(gap) > wait:
			out = append(out, i)
		}
	}
	return out
}

// missingFor is how long a chunk must be in no listing before it is made anew.
func (m *Master) missingFor() time.Duration { return min(staleNames, m.Terms.Expiry) }

// split makes the given chunks one after the other, so that workers begin with the first ones at once,
// and returns how many it made.
func (m *Master) split(ctx context.Context, plan *pipeline.Plan, missing, attempts []int) (int, error) {
	if err := m.FS.MkdirAll(pipeline.PendingOf(plan.Job)); err != nil {
		return 0, err
	}
	if err := m.FS.MkdirAll(pipeline.DoneOf(plan.Job)); err != nil {
		return 0, err
	}
	made := 0
	ready := func(i int, tmp string, err error) error {
		kind := pipeline.KindPiece
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			// A piece that does not hold what the plan says (a seek that lands elsewhere) is no harm: the worker
			// reads the source instead.
			m.Log.Debug("a piece can't be cut, the chunk becomes a range", "chunk", i, "job", plan.Job, "error", err)
			kind = pipeline.KindRange
		}
		if err := m.free(ctx, plan, i, attempts[i]+1, kind, tmp); err != nil {
			return fmt.Errorf("chunk %d: %w", i, err)
		}
		made++
		return nil
	}
	if plan.Chunks[missing[0]].Kind == pipeline.KindPiece { // all of a plan's are of one kind
		err := m.Stages.Pieces(ctx, plan, missing, ready)
		return made, err
	}
	for _, i := range missing {
		if err := m.free(ctx, plan, i, attempts[i]+1, pipeline.KindRange, ""); err != nil {
			return made, fmt.Errorf("chunk %d: %w", i, err)
		}
		made++
	}
	return made, nil
}

// free moves a chunk's file from its temporary name to where workers find it. A range is a text that is
// written first.
func (m *Master) free(ctx context.Context, plan *pipeline.Plan, i, attempt int, kind pipeline.Kind, tmp string) error {
	c := pipeline.ChunkFile{Job: plan.Job, Chunk: i, Kind: kind}.AsPending(attempt)
	if kind == pipeline.KindRange {
		tmp = c.Unfinished()
		if err := m.writeRange(plan, i, tmp); err != nil {
			return err
		}
	}
	out, err := m.FS.Move(ctx, tmp, c.Path())
	if out == sharefs.Won {
		return nil
	}
	return err
}

// writeRange writes a range chunk's text. It is for people: workers go by the name and the plan.
func (m *Master) writeRange(plan *pipeline.Plan, i int, name string) error {
	c := plan.Chunks[i]
	b, err := json.Marshal(map[string]any{
		"job": plan.Job, "chunk": i, "source": pipeline.JobFile(plan.Job, plan.Source), "frames": len(c.PTS),
		"start_seconds": plan.Video.TimeBase.Seconds(c.Start), "end_seconds": plan.Video.TimeBase.Seconds(c.End),
	})
	if err != nil {
		return err
	}
	return m.FS.Create(name, append(b, '\n'))
}

// dropSurplus removes free copies of chunks that are accepted already: encoding them would be wasted. That
// both were listed proves it only in the long run: one that has just been sent back from accepted can be
// seen in both places.
func (m *Master) dropSurplus(j *job, chunks *pipeline.JobChunks, state []pipeline.ChunkFile) {
	for _, c := range chunks.In(pipeline.Pending) {
		if c.Chunk >= len(state) || state[c.Chunk].State != pipeline.Accepted {
			continue
		}
		if waitFor(&j.surplus, c.Path()).seen(m.gap()) < staleNames {
			continue
		}
		if err := m.FS.Remove(c.Path()); err != nil {
			m.Log.Debug("cannot remove a surplus chunk", "chunk", c.ID(), "error", err)
		}
	}
}
