package worker

import (
	"maps"
	"slices"
	"sync"

	"github.com/distenc/distenc/pipeline"
)

// budgets are the corrections of the budgets of jobs in work. The zero value is ready. Safe for concurrent use.
type budgets struct {
	mu   sync.Mutex
	jobs map[string]pipeline.Corrections
}

// afford finds out which CRF a chunk is encoded with where its film's size is limited: that of the newest correction of
// its budget. One that a listing does not show yet costs accuracy, or a second encode, and no more.
func (w *Worker) afford(t *Task) error {
	b := t.Plan.Budget
	if !b.Known() || len(b.CRFs) == 0 {
		return nil
	}
	dir, err := pipeline.ListFolder(w.FS, t.File.Job)
	if err != nil {
		return err
	}
	all, err := w.budgets.of(t.File.Job).Load(w.FS, t.Plan, dir)
	if err != nil {
		return err
	}
	w.budgets.know(t.File.Job, all)
	t.Spending = pipeline.Spending{CRF: all.CRF(b, t.File.Chunk), Corrections: len(all)}
	return nil
}

func (b *budgets) of(job string) pipeline.Corrections {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.jobs[job]
}

func (b *budgets) know(job string, all pipeline.Corrections) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.jobs == nil {
		b.jobs = map[string]pipeline.Corrections{}
	}
	if len(all) >= len(b.jobs[job]) {
		b.jobs[job] = all
	}
}

// forgetOthers forgets all jobs but these.
func (b *budgets) forgetOthers(jobs []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.jobs, func(job string, _ pipeline.Corrections) bool { return !slices.Contains(jobs, job) })
}
