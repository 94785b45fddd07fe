package master

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

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
			for _, i := range made {
				delete(j.unmade, i)
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
		case j.unmade[i], waitFor(&j.nowhere, i).seen(gap) > wait:
			out = append(out, i)
		}
	}
	if len(out) == 0 || j.plan.Chunks[out[0]].Kind == pipeline.KindPiece {
		return out // pieces are cut in one pass through the source
	}
	// Those that take longest first, as they are claimed: what is begun last should be short.
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(j.plan.Chunks[b].Work(), j.plan.Chunks[a].Work()) })
	return out
}

// missingFor is how long a chunk must be in no listing before it is made anew.
func (m *Master) missingFor() time.Duration { return min(staleNames, m.Terms.Expiry) }

// split makes the given chunks one after the other, so that workers begin with the first ones at once, and
// returns those that it made.
func (m *Master) split(ctx context.Context, plan *pipeline.Plan, missing, attempts []int) (made []int, err error) {
	if err := m.FS.MkdirAll(pipeline.PendingOf(plan.Job)); err != nil {
		return nil, err
	}
	if err := m.FS.MkdirAll(pipeline.DoneOf(plan.Job)); err != nil {
		return nil, err
	}
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
		if err := m.free(ctx, plan, toFree(plan, i, attempts[i]+1, kind), tmp); err != nil {
			return fmt.Errorf("chunk %d: %w", i, err)
		}
		made = append(made, i)
		return nil
	}
	if plan.Chunks[missing[0]].Kind == pipeline.KindPiece { // all of a plan's are of one kind
		err := m.Stages.Pieces(ctx, plan, missing, ready)
		return made, err
	}
	return m.freeRanges(ctx, plan, missing, attempts)
}

// freeRanges makes chunks that are nothing but texts, a few at a time: all it takes is the share's answers. After an
// error it begins no other.
func (m *Master) freeRanges(ctx context.Context, plan *pipeline.Plan, missing, attempts []int) (made []int, err error) {
	var mu sync.Mutex // guards made
	group, healthy := errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	for _, i := range missing {
		c := toFree(plan, i, attempts[i]+1, pipeline.KindRange) // not side by side: one seed gives each its name
		group.Go(func() error {
			if err := context.Cause(healthy); err != nil {
				return err
			}
			if err := m.free(ctx, plan, c, ""); err != nil {
				return fmt.Errorf("chunk %d: %w", i, err)
			}
			mu.Lock()
			defer mu.Unlock()
			made = append(made, i)
			return nil
		})
	}
	err = group.Wait()
	return made, err
}

// toFree names the file of a chunk that is about to be freed.
func toFree(plan *pipeline.Plan, i, attempt int, kind pipeline.Kind) pipeline.ChunkFile {
	return pipeline.ChunkFile{Job: plan.Job, Chunk: i, Kind: kind}.AsPending(attempt)
}

// free moves a chunk's file from its temporary name to where workers find it. A range is a text that is
// written first.
func (m *Master) free(ctx context.Context, plan *pipeline.Plan, c pipeline.ChunkFile, tmp string) error {
	if c.Kind == pipeline.KindRange {
		tmp = c.Unfinished()
		if err := m.writeRange(plan, c.Chunk, tmp); err != nil {
			return err
		}
	}
	out, err := m.FS.Move(ctx, tmp, c.Path())
	if out == sharefs.Won {
		return nil
	}
	return err
}

// writeRange writes a range chunk's text.
func (m *Master) writeRange(plan *pipeline.Plan, i int, name string) error {
	b, err := plan.RangeText(i)
	if err != nil {
		return err
	}
	return m.FS.Create(name, b)
}

// announce makes idle workers look more often while chunks are about to come, by an empty folder that they
// see among the free chunks; a leader that died with one standing has it removed by the next.
func (m *Master) announce(survey *pipeline.Survey) {
	soon := m.full == "" && (m.waiting > 0 || m.uncut())
	if soon == survey.Soon {
		return
	}
	err := error(nil)
	if soon {
		_, err = m.FS.Mkdir(pipeline.Soon)
	} else {
		err = m.FS.RemoveDir(pipeline.Soon)
	}
	if err != nil {
		m.Log.Debug("cannot announce chunks", "soon", soon, "error", err)
	}
}

// uncut tells whether chunks of a live job are still to be made.
func (m *Master) uncut() bool {
	for _, j := range m.jobs {
		if j.plan == nil && !j.finished || len(j.unmade) > 0 {
			return true
		}
	}
	return false
}

// dropSurplus removes copies of chunks that are accepted already: encoding them would be wasted. A free one
// that was listed beside an accepted one proves it only in the long run: it may have just been sent back from
// there, and be seen in both places. A claim is no such copy if its attempt is not a later one, for every way
// back is the next attempt: it was encoded twice, and its holder finds the claim gone and stops.
func (m *Master) dropSurplus(j *job, chunks *pipeline.JobChunks, state []pipeline.ChunkFile) {
	for _, c := range chunks.Files {
		if c.Chunk >= len(state) || state[c.Chunk].State != pipeline.Accepted {
			continue
		}
		switch {
		case c.State == pipeline.Pending && waitFor(&j.surplus, c.Path()).seen(m.gap()) >= staleNames:
		case c.State == pipeline.Claimed && c.Attempt <= state[c.Chunk].Attempt:
		default:
			continue
		}
		if err := m.FS.Remove(c.Path()); err != nil {
			m.Log.Debug("cannot remove a surplus chunk", "chunk", c.ID(), "error", err)
		}
	}
}
