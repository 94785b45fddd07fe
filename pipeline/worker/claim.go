package worker

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// spread is among how many of the first chunks in order a claimant picks at random, so that many
// workers do not race for one name.
const spread = 16

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
	left := false // free ones, to faster nodes
	w.memory.begin()
	for _, job := range jobs {
		free := w.free(job)
		fit := w.fitting(job, free)
		left = left || len(fit) < len(free)
		if task, err := w.claimOneOf(ctx, fit); task != nil || err != nil {
			return task, err
		}
	}
	if left || w.soonMore() {
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
		if c, ok := pipeline.ParsePending(job, n); ok && !w.faults.leaves(c, time.Now()) && !w.has(c) {
			free = append(free, c)
		}
	}
	if len(free) == 0 {
		return nil
	}
	if plan, err := w.plans.get(w.FS, job); err == nil {
		slices.SortStableFunc(free, func(a, b pipeline.ChunkFile) int { return cmp.Compare(work(plan, b), work(plan, a)) })
	}
	return free
}

// work is what a chunk is expected to take, in mean frames; 0 where the plan does not know it.
func work(plan *pipeline.Plan, c pipeline.ChunkFile) float64 {
	if c.Chunk >= len(plan.Chunks) {
		return 0
	}
	return plan.Chunks[c.Chunk].Work()
}

// has tells whether the chunk is in work on this very node.
func (w *Worker) has(c pipeline.ChunkFile) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tasks[c.ID()] != nil
}

// claimOneOf tries the free chunks of a job, in random order among the first ones.
func (w *Worker) claimOneOf(ctx context.Context, free []pipeline.ChunkFile) (*Task, error) {
	if len(free) > spread {
		free = free[:spread]
	}
	random.Shuffle(len(free), func(a, b int) { free[a], free[b] = free[b], free[a] })
	for _, c := range free {
		if ctx.Err() != nil {
			return nil, nil
		}
		plan, err := w.plans.get(w.FS, c.Job)
		if err != nil || c.Chunk >= len(plan.Chunks) {
			// Left to those who can read its plan, or nobody's, a copy that a person made. The next free
			// chunk, perhaps of another job, need not wait for it.
			w.Log.Debug("a free chunk is not in a plan that can be read", "chunk", c.ID(), "error", err)
			continue
		}
		release, fits := w.promise(plan)
		if !fits {
			return nil, nil // nor do the job's other chunks
		}
		task, err := w.claimOne(ctx, plan, c)
		release()
		if task != nil || err != nil {
			return task, err
		}
	}
	return nil, nil
}

// claimOne takes the lease before the claim: a claim that nobody is seen to hold would be expired by
// every master, for ever, burning the chunk's attempts.
func (w *Worker) claimOne(ctx context.Context, plan *pipeline.Plan, c pipeline.ChunkFile) (*Task, error) {
	mine := c.AsClaimed(w.Node)
	held, err := w.take(ctx, mine)
	if err != nil {
		return nil, err
	}
	switch out, err := w.FS.Claim(ctx, c.Path(), mine.Path()); out {
	case sharefs.Won:
		w.Log.Info("claimed", "chunk", mine.ID(), "attempt", mine.Attempt)
		return w.begin(plan, mine, held), nil
	case sharefs.Lost, sharefs.Fenced:
		held.Release() // another one was first
		return nil, nil
	default:
		// It may have been done: without a lease that moves, a master takes it back.
		held.Release()
		return nil, fmt.Errorf("cannot tell whether the claim on %s was won: %w", mine.ID(), err)
	}
}

// take takes the lease for a claim that is about to be made.
func (w *Worker) take(ctx context.Context, c pipeline.ChunkFile) (*lease.Lease, error) {
	held, err := lease.Take(ctx, w.FS, pipeline.Leases, c.Stem(), append([]lease.Option{lease.WithLog(w.Log), lease.WithContact(w.contact)}, w.Lease...)...)
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
	w.noteSoon(slices.Contains(names, path.Base(pipeline.Soon)))
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
		if control.Priority != nil {
			steered := *j
			steered.Priority = *control.Priority
			j = &steered
		}
		jobs = append(jobs, j)
	}
	sort.SliceStable(jobs, func(a, b int) bool {
		if jobs[a].Priority != jobs[b].Priority {
			return jobs[a].Priority > jobs[b].Priority
		}
		return jobs[a].Created.Before(jobs[b].Created)
	})
	ids := make([]string, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	w.plans.keep(names)
	return ids, nil
}

// gone tells whether a job has no folder any more: a person removed it, and its chunks are for the sweep.
func (w *Worker) gone(job string) bool {
	dir, err := pipeline.ListFolder(w.FS, job)
	return errors.Is(err, fs.ErrNotExist) || err == nil && !dir.Job()
}

// random draws from crypto/rand, the one source that a test can seed (testing/cryptotest). It has no state
// of its own and is safe for concurrent use.
var random = rand.New(source{})

type source struct{}

// Uint64 implements rand.Source.
func (source) Uint64() uint64 {
	var b [8]byte
	_, _ = crand.Read(b[:]) // never fails
	return binary.NativeEndian.Uint64(b[:])
}

// plans keeps the plans and jobs in work; both are immutable on the share. Safe for concurrent use.
type plans struct {
	mu    sync.Mutex
	plans map[string]*pipeline.Plan
	jobs  map[string]*pipeline.Job
}

func (p *plans) get(f *sharefs.FS, job string) (*pipeline.Plan, error) {
	return remembered(p, &p.plans, job, func() (*pipeline.Plan, error) { return pipeline.LoadPlan(f, job) })
}

func (p *plans) job(f *sharefs.FS, id string) (*pipeline.Job, error) {
	return remembered(p, &p.jobs, id, func() (*pipeline.Job, error) { return pipeline.LoadJob(f, id) })
}

// remembered returns what is known under an id, else what load reads from the share. The lock is not held
// meanwhile: a share that hangs for one slot must not hold up the others.
func remembered[T any](p *plans, known *map[string]*T, id string, load func() (*T, error)) (*T, error) {
	p.mu.Lock()
	v := (*known)[id]
	p.mu.Unlock()
	if v != nil {
		return v, nil
	}
	v, err := load()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if *known == nil {
		*known = map[string]*T{}
	}
	(*known)[id] = v
	return v, nil
}

// keep forgets all jobs but these; a task that still runs holds its own plan.
func (p *plans) keep(ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	here := map[string]bool{}
	for _, id := range ids {
		here[id] = true
	}
	for id := range p.jobs {
		if !here[id] {
			delete(p.jobs, id)
			delete(p.plans, id)
		}
	}
}
