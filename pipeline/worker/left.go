package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// outlook looks for work that is about to come. Safe for concurrent use.
type outlook struct {
	mu      sync.Mutex
	cache   *status.Cache
	inbox   *status.Reader // nil until it is needed
	leader  lease.Leader   // as last seen, with its beat
	beaten  time.Time      // when that beat was first seen, by this process's clock
	untaken string         // why a film in the inbox is not waited for, "" if there is none
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

// film returns a film in the inbox that can become a job, "" if there is none.
func (o *outlook) film(ctx context.Context, share *sharefs.FS) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.inbox == nil {
		o.inbox = status.NewReader(share, nil, 0)
	}
	files, err := o.inbox.ReadInbox(ctx)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if f.Why == "" && !f.Companion {
			return f.Name, nil
		}
	}
	return "", nil
}

// led reports whether a master leads: one whose heartbeat has moved within the expiry, as seen from here.
func (o *outlook) led(share *sharefs.FS, expiry time.Duration, now time.Time) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	leaders, err := lease.Leaders(share, pipeline.MasterDir)
	if err != nil || len(leaders) == 0 {
		return false, err
	}
	if leaders[0] != o.leader {
		o.leader, o.beaten = leaders[0], now
	}
	return now.Sub(o.beaten) < expiry, nil
}

// leaves notes why a film is not waited for.
func (o *outlook) leaves(why string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.untaken = why
}

// lacks says in a few words what keeps a master's work undone, "" if nothing does.
func (o *outlook) lacks() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.untaken
}

// nothingLeft reports whether no job has a chunk for this worker, now or soon.
func (w *Worker) nothingLeft() bool {
	jobs, err := w.outlook.jobs(w.FS)
	return err == nil && nothingLeft(jobs, w.foreign, func(job string) bool {
		return w.memory.lacksFor(job) || w.leaves(job)
	}, w.back)
}

// expectsFilm reports whether a film lies in the inbox that a master will make a job of. One that takes nothing before
// a person has made room is not waited for.
func (w *Worker) expectsFilm(ctx context.Context) bool {
	film, err := w.outlook.film(ctx, w.FS)
	if err != nil {
		return true // it is asked again
	}
	if film == "" {
		w.outlook.leaves("")
		return false
	}
	led, err := w.outlook.led(w.FS, w.agreed.Load().Expiry, time.Now())
	if err != nil {
		return true
	}
	why := pipeline.NothingTaken(w.FS)
	switch {
	case !led:
		why = fmt.Sprintf("no master is there that would take %q from the inbox", film)
	case why != "":
		why = fmt.Sprintf("the master takes nothing from the inbox, where %q lies: %s", film, why)
	}
	w.outlook.leaves(why)
	return why == ""
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
