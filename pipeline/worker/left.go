package worker

import (
	"errors"
	"io/fs"
	"slices"
	"sync"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// outlook looks for work that is about to come. Safe for concurrent use.
type outlook struct {
	mu    sync.Mutex
	cache *status.Cache
}

// jobs returns the state of all jobs.
func (o *outlook) jobs(share *sharefs.FS) ([]pipeline.JobStatus, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s, err := status.Read(share, o.cache)
	if err != nil {
		return nil, err
	}
	return s.Jobs, nil
}

// foreign reports whether a job has a plan of another version of distenc, which this one can't encode by.
func (w *Worker) foreign(job string) bool {
	_, err := w.plans.get(w.FS, job)
	if errors.Is(err, fs.ErrNotExist) { // then it may be the plan of an analysis
		var j *pipeline.Job
		if j, err = w.plans.job(w.FS, job); err == nil {
			err = w.plans.advance(w.FS, j)
		}
	}
	_, is := errors.AsType[*pipeline.FormatError](err)
	return is
}

// back reports whether results of a job that are as they should be may be made anew all the same, so that they fit one
// another: the film has a size, or a decoder's buffer to keep to.
func (w *Worker) back(job string) bool {
	plan, err := w.plans.get(w.FS, job)
	return err == nil && (plan.Budget.Known() || plan.Buffer.Bounds())
}

// nothingLeft reports whether no job has a free chunk, and none is about to be cut: one that a master has taken in but
// not yet planned, or whose chunks are not all made. The free chunks of jobs that are beyond this node don't count, nor
// do paused jobs and those whose plan is foreign. Chunks of a job for which back holds may come back until its output
// is decided for.
func nothingLeft(jobs []pipeline.JobStatus, foreign, beyond, back func(job string) bool) bool {
	return !slices.ContainsFunc(jobs, func(j pipeline.JobStatus) bool {
		if j.Paused {
			return false
		}
		switch j.State {
		case pipeline.Planning:
			return !foreign(j.ID)
		case pipeline.Splitting:
			return true
		case pipeline.Analysing: // its chunks are about to be encoded
			return !beyond(j.ID)
		case pipeline.InWork, pipeline.JobFailed: // the latter while others of its chunks go on
			return !j.Decided && (j.Chunks.Pending > 0 || j.Chunks.Failed == 0 && back(j.ID)) && !beyond(j.ID)
		case pipeline.Merging:
			return !j.Decided && back(j.ID) && !beyond(j.ID)
		}
		return false
	})
}
