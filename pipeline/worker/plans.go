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
	plans map[string]*pipeline.Plan // the furthest of each job
	jobs  map[string]*pipeline.Job
}

// get returns the plan that a job's chunks are done by, as advance left it.
func (p *plans) get(f *sharefs.FS, job string) (*pipeline.Plan, error) {
	return remembered(p, &p.plans, job, func() (*pipeline.Plan, error) { return pipeline.LoadPlan(f, job) })
}

// advance looks for the furthest plan of a job that has analyses before its encode. All others have one plan.
func (p *plans) advance(f *sharefs.FS, j *pipeline.Job) error {
	p.mu.Lock()
	known := p.plans[j.ID]
	p.mu.Unlock()
	if len(j.Settings.Analyses()) == 0 || known != nil && known.Analysis == "" {
		return nil
	}
	dir, err := pipeline.ListFolder(f, j.ID)
	if err != nil {
		return err
	}
	latest, planned := dir.Latest(j.Settings)
	if !planned || known != nil && !j.Settings.Precedes(known.Analysis, latest) {
		return nil
	}
	plan, err := pipeline.LoadPlanFor(f, j.ID, latest)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.plans == nil {
		p.plans = map[string]*pipeline.Plan{}
	}
	p.plans[j.ID] = plan
	return nil
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

// forget lets a job's plan be read once more.
func (p *plans) forget(job string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.plans, job)
}

// forgetOthers forgets all jobs but these; a task that still runs holds its own plan.
func (p *plans) forgetOthers(ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.jobs, func(id string, _ *pipeline.Job) bool { return !slices.Contains(ids, id) })
	maps.DeleteFunc(p.plans, func(id string, _ *pipeline.Plan) bool { return !slices.Contains(ids, id) })
}
