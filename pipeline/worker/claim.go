package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// A claimant picks at random from so many of the first chunks, one for each so many slots of the farm, so that many
// workers do not race for one name. The fewer they are, the sooner the longest is begun.
const (
	fewest, most  = 4, 16
	slotsOfChoice = 16
)

// choice is from how many of a plan's chunks a claimant picks.
func choice(plan *pipeline.Plan) int {
	if plan.Pace.Slots == 0 { // not known
		return most
	}
	return max(fewest, min(plan.Pace.Slots/slotsOfChoice, most))
}

// claim finds a free chunk and claims it (T4, T5), or one to encode a second time; nil and no error when there
// is none.
func (w *Worker) claim(ctx context.Context) (*Task, error) {
	if w.rests() {
		return nil, nil
	}
	jobs, err := w.jobsInOrder()
	if err != nil {
		return nil, err
	}
	w.contact.Back()
	jobs = w.withOurBuild(ctx, jobs)
	w.budgets.forgetOthers(jobs)
	left := false // some, to faster nodes
	w.memory.forgetOthers(jobs)
	for i, job := range jobs {
		free := w.free(job)
		fit := w.fitting(job, free)
		left = left || len(fit) < len(free)
		if len(fit) == 0 {
			continue
		}
		if task, err := w.claimOneOf(ctx, fit, w.last(free, jobs[i+1:])); task != nil || err != nil {
			return task, err
		}
	}
	if left || w.backoff.expects() {
		return nil, nil
	}
	return w.claimSecond(ctx, jobs)
}

// free lists a job's free chunks, those that take longest first: what is begun last should be short.
func (w *Worker) free(job string) []pipeline.ChunkFile {
	names, err := w.FS.List(pipeline.PendingOf(job))
	if err != nil {
		return nil // swept since the listing
	}
	var free []pipeline.ChunkFile
	for _, n := range names {
		if c, ok := pipeline.ParsePending(job, n); ok && !w.faults.leaves(c, time.Now()) && !w.running.has(c) {
			free = append(free, c)
		}
	}
	if len(free) == 0 {
		return nil
	}
	if plan, err := w.plans.get(w.FS, job); err == nil {
		if free = pipeline.JobChunks(free).Of(plan); len(free) == 0 {
			// An earlier plan's are for the master to remove; or a file server has lost the furthest one with its power.
			w.plans.forget(job)
			return nil
		}
		early := plan.Early()
		slices.SortStableFunc(free, func(a, b pipeline.ChunkFile) int {
			return cmp.Or(cmp.Compare(early[b.Chunk], early[a.Chunk]), cmp.Compare(chunkWork(plan, b), chunkWork(plan, a)))
		})
	}
	return free
}

// claimOneOf tries the free chunks of a job, in random order among the first ones. last: they are the last ones.
func (w *Worker) claimOneOf(ctx context.Context, free []pipeline.ChunkFile, last bool) (*Task, error) {
	if len(free) > fewest {
		if plan, err := w.plans.get(w.FS, free[0].Job); err == nil {
			free = free[:min(choice(plan), len(free))]
		}
	}
	random.Shuffle(len(free), func(a, b int) { free[a], free[b] = free[b], free[a] })
	for _, c := range free {
		if ctx.Err() != nil {
			return nil, nil
		}
		plan, err := w.plans.get(w.FS, c.Job)
		if err != nil || !plan.Has(c) {
			// Left to those who can read its plan, or nobody's, a copy that a person made. The next free
			// chunk, perhaps of another job, need not wait for it.
			w.Log.Debug("a free chunk is not in a plan that can be read", "chunk", c.ID(), "error", err)
			continue
		}
		threads := w.threads(plan, last)
		release, fits := w.promise(plan, threads)
		if !fits && threads > w.Machine.Threads {
			threads = w.Machine.Threads
			release, fits = w.promise(plan, threads)
		}
		if !fits {
			return nil, nil // nor do the job's other chunks
		}
		task, err := w.claimOne(ctx, plan, c, threads)
		release()
		if task != nil || err != nil {
			return task, err
		}
	}
	return nil, nil
}

// claimOne takes the lease before the claim: a claim that nobody is seen to hold would be expired by
// every master, for ever, burning the chunk's attempts.
func (w *Worker) claimOne(ctx context.Context, plan *pipeline.Plan, c pipeline.ChunkFile, threads int) (*Task, error) {
	mine := c.AsClaimed(w.Node)
	held, err := w.takeLease(ctx, mine)
	if err != nil {
		return nil, err
	}
	switch out, err := w.FS.Claim(ctx, c.Path(), mine.Path()); out {
	case sharefs.Won:
		w.Log.Info("claimed", "chunk", mine.ID(), "attempt", mine.Attempt)
		return w.begin(plan, mine, threads, held), nil
	case sharefs.Lost, sharefs.Fenced:
		held.Release() // another one was first
		return nil, nil
	default:
		// It may have been done: without a lease that moves, a master takes it back.
		held.Release()
		return nil, fmt.Errorf("cannot tell whether the claim on %s was won: %w", mine.ID(), err)
	}
}

// takeLease takes the lease for a claim that is about to be made.
func (w *Worker) takeLease(ctx context.Context, c pipeline.ChunkFile) (*lease.Lease, error) {
	options := append([]lease.Option{lease.WithLog(w.Log), lease.WithContact(w.contact)}, w.Lease...)
	held, err := lease.Take(ctx, w.FS, pipeline.Leases, c.Stem(), options...)
	if errors.Is(err, fs.ErrNotExist) { // a person removed the folder; the chunk was listed, so this is the share
		err = errors.Join(err, w.FS.MkdirAll(pipeline.Leases))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot take the lease for %s: %w", c.ID(), err)
	}
	return held, nil
}

// jobsInOrder lists the jobs that have free chunks and are not paused, by priority, then age.
func (w *Worker) jobsInOrder() ([]string, error) {
	names, err := w.FS.List(pipeline.PendingDir)
	if err != nil {
		return nil, err
	}
	var jobs []*pipeline.Job
	w.backoff.announced(slices.Contains(names, path.Base(pipeline.Soon)), time.Now())
	for _, n := range names {
		if !pipeline.ValidJob(n) {
			continue
		}
		j, err := w.plans.job(w.FS, n)
		if err != nil {
			continue
		}
		control, err := pipeline.ReadControl(w.FS, n)
		if err != nil || control.Paused || control.Missing && w.gone(n) {
			continue
		}
		if err := w.plans.advance(w.FS, j); err != nil {
			w.Log.Debug("cannot read a job's plan", "job", n, "error", err)
			continue
		}
		if control.Priority != nil {
			steered := *j
			steered.Priority = *control.Priority
			j = &steered
		}
		jobs = append(jobs, j)
	}
	slices.SortStableFunc(jobs, func(a, b *pipeline.Job) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), a.Created.Compare(b.Created))
	})
	ids := make([]string, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	w.plans.forgetOthers(names)
	return ids, nil
}

// gone reports whether a job has no folder any more: a person removed it, and its chunks are for the sweep.
func (w *Worker) gone(job string) bool {
	dir, err := pipeline.ListFolder(w.FS, job)
	return errors.Is(err, fs.ErrNotExist) || err == nil && !dir.Job()
}

// promise keeps memory for one encode of the plan with this number of threads, if there is room for it beside those
// that run.
func (w *Worker) promise(plan *pipeline.Plan, threads int) (release func(), fits bool) {
	return w.memory.promise(plan.Job, plan.Memory.Of(threads), w.running.owed)
}

// askedToRest looks whether people ask this machine to rest; nil: they don't. While the share can't tell, what it told
// last holds.
func (w *Worker) askedToRest() *pipeline.Rest {
	asked, err := pipeline.ReadRest(w.FS, pipeline.NodeHost(w.Node))
	if err != nil {
		return w.pause.lastAsked()
	}
	switch before := w.pause.setAsked(asked); {
	case asked != nil && before == nil:
		w.Log.Info("claims nothing", "reason", asked.Words(time.Now()))
	case asked == nil && before != nil:
		w.Log.Info("nobody asks this machine to rest any more")
	}
	return asked
}

// rests reports whether nothing may be claimed now.
func (w *Worker) rests() bool {
	w.askedToRest()
	reason := ""
	if w.Machine.Rest != nil {
		reason = w.Machine.Rest(w.running.threads())
	}
	switch before := w.pause.setRest(reason); {
	case reason == "" && before != "":
		w.Log.Info("claims chunks again")
	case reason != "" && before == "":
		w.Log.Info("claims nothing", "reason", reason)
	case reason != before: // the figures in it move all the time
		w.Log.Debug("claims nothing", "reason", reason)
	}
	return w.pause.words(time.Now()) != ""
}
