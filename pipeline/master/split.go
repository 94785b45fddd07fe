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

// maxAhead limits the chunks that lie in pending/ over all jobs, so that a season dropped at once does
// not lie twice on the disk, while two hundred workers still find something.
const maxAhead = 400

// splitResult is what came of making chunks: which ones were made, and what kept the others from it.
type splitResult struct {
	made []int
	err  error
}

// startSplit makes the chunks that are nowhere (T3). Those of a plan that this master has just made are
// made at once; of another master's only when they were missing long enough, because listings are not
// atomic and that master may be at it.
func (t *term) startSplit(j *job, state []pipeline.ChunkFile, chunks pipeline.JobChunks) {
	if t.tasks.busy("split/"+j.ID) || t.full != "" {
		return
	}
	missing := j.missing(state, t.missingFor(), t.pace.gap())
	room := maxAhead - t.pending
	if len(missing) == 0 || room <= 0 {
		return
	}
	missing = missing[:min(room, len(missing))]
	attempts, plan := chunks.Attempts(j.plan), j.plan
	background(t, "split", j, func(ctx context.Context, w *jobTask) splitResult { return w.split(ctx, missing, attempts) },
		func(r splitResult) {
			if j.plan != plan {
				return
			}
			for _, i := range r.made {
				delete(j.chunks.unmade, i)
			}
			clear(j.chunks.nowhere)
			if r.err != nil {
				t.later(j, "cannot split", r.err)
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
			delete(j.chunks.nowhere, i)
		case j.chunks.unmade[i], j.chunks.nowhere.of(i).seen(gap) > wait:
			out = append(out, i)
		}
	}
	if len(out) == 0 || j.plan.Cut(out[0]) {
		return out // pieces are cut in one pass through the source
	}
	// Those that take longest first, as they are claimed: what is begun last should be short.
	early := j.plan.Early()
	slices.SortStableFunc(out, func(a, b int) int {
		return cmp.Or(cmp.Compare(early[b], early[a]), cmp.Compare(j.plan.Chunks[b].Work(), j.plan.Chunks[a].Work()))
	})
	return out
}

// missingFor is how long a chunk must be in no listing before it is made anew.
func (m *Master) missingFor() time.Duration { return min(sharefs.StaleNames, m.Terms.Expiry) }

// split makes the given chunks one after the other, so that workers begin with the first ones at once.
func (w *jobTask) split(ctx context.Context, missing, attempts []int) (r splitResult) {
	for _, dir := range []string{pipeline.PendingOf(w.job.ID), pipeline.DoneOf(w.job.ID)} {
		if err := w.FS.MkdirAll(dir); err != nil {
			return splitResult{err: err}
		}
	}
	if !w.plan.Cut(missing[0]) { // all of a plan's are of one kind
		return w.freeRanges(ctx, missing, attempts)
	}
	r.err = w.Stages.Pieces(ctx, w.plan, missing, func(i int, tmp string, err error) error {
		kind := pipeline.KindPiece
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			// A piece that does not hold what the plan says (a seek that lands elsewhere) is no harm: the worker
			// reads the source instead.
			w.Log.Debug("a piece can't be cut, the chunk becomes a range", "chunk", i, "job", w.job.ID, "error", err)
			kind = pipeline.KindRange
		}
		if err := w.free(ctx, w.plan, toFree(w.plan, i, attempts[i]+1, kind), tmp); err != nil {
			return fmt.Errorf("chunk %d: %w", i, err)
		}
		r.made = append(r.made, i)
		return nil
	})
	return r
}

// freeRanges makes chunks that are nothing but texts, a few at a time: all it takes is the share's answers. After an
// error it begins no other.
func (w *jobTask) freeRanges(ctx context.Context, missing, attempts []int) (r splitResult) {
	var mu sync.Mutex // guards r.made
	group, healthy := errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	for _, i := range missing {
		c := toFree(w.plan, i, attempts[i]+1, pipeline.KindRange) // not side by side: one seed gives each its name
		group.Go(func() error {
			if err := context.Cause(healthy); err != nil {
				return err
			}
			if err := w.free(ctx, w.plan, c, ""); err != nil {
				return fmt.Errorf("chunk %d: %w", i, err)
			}
			mu.Lock()
			defer mu.Unlock()
			r.made = append(r.made, i)
			return nil
		})
	}
	r.err = group.Wait()
	return r
}

// toFree names the file of a chunk that is about to be freed.
func toFree(plan *pipeline.Plan, i, attempt int, kind pipeline.Kind) pipeline.ChunkFile {
	return pipeline.ChunkFile{Job: plan.Job, Chunk: i, Analysis: plan.Analysis, Kind: kind}.AsPending(attempt)
}

// free moves a chunk's file from its temporary name to where workers find it. A range is a text that is
// written first.
func (m *Master) free(ctx context.Context, plan *pipeline.Plan, c pipeline.ChunkFile, tmp string) error {
	if c.Kind == pipeline.KindRange {
		tmp = c.Unfinished()
		b, err := plan.RangeText(c.Chunk)
		if err == nil {
			err = m.FS.Jot(tmp, b)
		}
		if err != nil {
			return err
		}
	}
	if out, err := m.FS.MoveTrusting(ctx, tmp, c.Path()); out != sharefs.Won {
		return err
	}
	return nil
}

// announce makes idle workers look more often while chunks are about to come, by an empty folder that they
// see among the free chunks; a leader that died with one standing has it removed by the next.
func (t *term) announce(announced bool, waiting int) {
	soon := t.full == "" && (waiting > 0 || t.uncut())
	if soon == announced {
		return
	}
	err := error(nil)
	if soon {
		_, err = t.FS.Mkdir(pipeline.Soon)
	} else {
		err = t.FS.RemoveDir(pipeline.Soon)
	}
	if err != nil {
		t.Log.Debug("cannot announce chunks", "soon", soon, "error", err)
	}
}

// uncut reports whether chunks of a live job are still to be made.
func (t *term) uncut() bool {
	for _, j := range t.jobs.live {
		if j.plan == nil && !j.ending.begun || len(j.chunks.unmade) > 0 || j.chunks.ending {
			return true
		}
	}
	return false
}

// dropEarlier removes files of chunks of an earlier plan that nobody need measure any more: the plan after it is there.
// Whoever holds one finds the claim gone and stops.
func (t *term) dropEarlier(j *job, chunks pipeline.JobChunks) {
	for _, c := range chunks {
		free := c.State == pipeline.Pending || c.State == pipeline.Claimed
		other := c.Analysis != j.plan.Analysis
		if !free || !other || !j.Settings.Precedes(c.Analysis, j.plan.Analysis) {
			continue
		}
		if err := t.FS.Remove(c.Path()); err != nil {
			t.Log.Debug("cannot remove a chunk of an earlier plan", "chunk", c.ID(), "error", err)
		}
	}
}

// dropSurplus removes copies of chunks that are accepted already: encoding them would be wasted.
func (t *term) dropSurplus(j *job, chunks pipeline.JobChunks, state []pipeline.ChunkFile) {
	for _, c := range chunks {
		if c.Chunk < len(state) && j.surplus(c, state[c.Chunk], t.pace.gap()) {
			if err := t.FS.Remove(c.Path()); err != nil {
				t.Log.Debug("cannot remove a surplus chunk", "chunk", c.ID(), "error", err)
			}
		}
	}
}

// surplus reports whether a chunk's file is a copy that nobody needs. A free one that was listed beside an accepted
// one proves it only in the long run: it may have just been sent back from there, and be seen in both places. A claim
// is no such copy if its attempt is not a later one, for every way back is the next attempt: it was encoded twice, and
// its holder finds the claim gone and stops.
func (j *job) surplus(c, strongest pipeline.ChunkFile, gap time.Duration) bool {
	if strongest.State != pipeline.Accepted {
		return false
	}
	switch c.State {
	case pipeline.Pending:
		return j.chunks.surplus.of(c.Path()).seen(gap) >= sharefs.StaleNames
	case pipeline.Claimed:
		return c.Attempt <= strongest.Attempt
	}
	return false
}
