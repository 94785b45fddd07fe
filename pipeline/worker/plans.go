package worker

import (
	"maps"
	"slices"
	"sync"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

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

// forgetOthers forgets all jobs but these; a task that still runs holds its own plan.
func (p *plans) forgetOthers(ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.jobs, func(id string, _ *pipeline.Job) bool { return !slices.Contains(ids, id) })
	maps.DeleteFunc(p.plans, func(id string, _ *pipeline.Plan) bool { return !slices.Contains(ids, id) })
}
