package worker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// aFew limits the claims that are weighed, so that many idle nodes do not all read of all.
const aFew = 5

// fitting leaves out of a job's free chunks, the longest first, those that would be the last to be done if this
// node took them, because it is slower than the others: they will have done all the rest before.
func (w *Worker) fitting(job string, free []pipeline.ChunkFile) []pipeline.ChunkFile {
	plan, err := w.plans.get(w.FS, job)
	if err != nil || len(free) == 0 {
		return free
	}
	own, theirs := w.speeds.pace(plan), w.peers.meanPace(plan, w.builds.now(job))
	switch {
	case own <= 0 && theirs <= 0 && len(w.peers.names()) == 0:
		return free
	case own <= 0 && theirs <= 0: // nobody knows: for a start, none of the longest
		if w.backoff.expects() && len(free) < aChoice {
			return shortOf(plan, free)
		}
		return free[len(free)/2:]
	case own <= 0: // it may be slow
		own = cmp.Or(plan.Pace.Slowest, theirs*stranger)
	}
	if own > theirs*slower {
		return free
	}
	work, slots := w.remainingWork(plan, free)
	if slots <= 0 {
		return free
	}
	return doneWithin(plan, free, own, untilLast(plan, work, slots, theirs)*surely)
}

// remainingWork returns the work that is left, and on how many slots of others it falls. Of what is in work half is
// done, in the mean. While chunks are still being made, everybody who is there will soon be at it.
func (w *Worker) remainingWork(plan *pipeline.Plan, free []pipeline.ChunkFile) (work, slots float64) {
	claims := ofJobs(w.peers.claims(), []string{plan.Job})
	work, slots = workOf(plan, free)+workOf(plan, claims)/2, float64(len(claims))
	if w.backoff.moreToCome() {
		work += unmade(plan, free)
	}
	if w.backoff.expects() {
		slots = max(slots, float64(plan.Pace.Slots))
	}
	return work, slots
}

// claimSecond makes a second copy of a chunk that another node has in work, if this node would have all of it
// encoded before that one is done, and claims it at once. nil and no error where there is none.
func (w *Worker) claimSecond(ctx context.Context, jobs []string) (*Task, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	if !w.copying.TryLock() { // slots that look at once would choose the same chunk
		return nil, nil
	}
	defer w.copying.Unlock()
	claims := ofJobs(w.peers.claims(), jobs)
	var worst pipeline.ChunkFile
	longest := time.Duration(0)
	for _, c := range w.candidates(claims) {
		if gain := w.gain(c); gain > longest {
			worst, longest = c, gain
		}
	}
	if longest == 0 || ctx.Err() != nil || w.done(worst) {
		return nil, nil
	}
	return w.claimCopy(ctx, worst)
}

// candidates picks a few of the claims on chunks that are in work once.
func (w *Worker) candidates(claims []pipeline.ChunkFile) []pipeline.ChunkFile {
	once := slices.DeleteFunc(claimedOnce(claims), func(c pipeline.ChunkFile) bool {
		return w.faults.leaves(c, time.Now()) || w.running.has(c)
	})
	return shuffled(once)[:min(len(once), aFew)]
}

// gain returns by how much this node would be done with a chunk sooner than the one that has it in work.
func (w *Worker) gain(c pipeline.ChunkFile) time.Duration {
	plan, err := w.plans.get(w.FS, c.Job)
	if err != nil || !plan.Has(c) {
		return 0
	}
	n, err := pipeline.LoadNode(w.FS, c.Node)
	if err != nil {
		return 0
	}
	silent := w.peers.silent(n, w.agreed.Load().Heartbeat)
	return gain(chunkWork(plan, c), w.speeds.pace(plan), remaining(n, silent, plan, c))
}

// done reports whether a result of the chunk may be there: then the claim is what another copy of it left.
func (w *Worker) done(c pipeline.ChunkFile) bool {
	names, err := w.FS.List(pipeline.DoneOf(c.Job))
	return err != nil || slices.ContainsFunc(names, func(n string) bool {
		d, ok := pipeline.ParseDone(n)
		return ok && d.ID() == c.ID()
	})
}

// claimCopy creates a second copy of a claimed chunk, as a range, right among the claims. Of several nodes
// that do so at once none goes on if each has seen another.
func (w *Worker) claimCopy(ctx context.Context, c pipeline.ChunkFile) (*Task, error) {
	plan, err := w.plans.get(w.FS, c.Job)
	if err != nil || !plan.Has(c) {
		return nil, err
	}
	release, fits := w.promise(plan, w.Machine.Threads)
	defer release()
	if !fits {
		return nil, nil
	}
	text, err := plan.RangeText(c.Chunk)
	if err != nil {
		return nil, err
	}
	mine := c.AsClaimed(w.Node)
	mine.Kind = pipeline.KindRange
	held, err := w.takeLease(ctx, mine)
	if err != nil {
		return nil, err
	}
	err = w.FS.Jot(mine.Path(), text)
	if err == nil && alone(c, w.peers.claims()) {
		w.Log.Info("claimed a second time", "chunk", mine.ID(), "from", c.Node)
		return w.begin(plan, mine, w.Machine.Threads, held), nil
	}
	w.removeOwn(mine.Path()) // after an error it may be there all the same, and would be taken for a silent worker's
	held.Release()
	if err != nil {
		return nil, fmt.Errorf("cannot copy %s: %w", mine.ID(), err)
	}
	return nil, nil
}
