package master

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// ledger is which jobs there are, by id.
type ledger struct {
	live    map[string]*job
	closed  map[string]bool     // nothing is left to do for these, as far as this master has seen
	recent  []string            // the last of them
	late    map[string]*lateJob // ended without their source: it may still land in their folders
	present map[string]bool     // has a folder under jobs/
	taking  map[string]bool     // being made by this master's intake
	known   *sync.Map           // what was encoded or is in work: the job, by content
	films   *films              // what companions in the inbox may go with
}

func newLedger() ledger {
	return ledger{
		live: map[string]*job{}, closed: map[string]bool{}, late: map[string]*lateJob{}, taking: map[string]bool{},
		known: &sync.Map{}, films: newFilms(),
	}
}

// inOrder returns the live jobs by priority, then age.
func (l *ledger) inOrder() []*job {
	return slices.SortedFunc(maps.Values(l.live), func(a, b *job) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
}

// waiting counts the jobs that wait for a person, or for another version of distenc.
func (l *ledger) waiting() (n int) {
	for _, j := range l.live {
		if j.chunks.aside > 0 || j.foreign {
			n++
		}
	}
	return n
}

// adopt takes up a job.
func (l *ledger) adopt(j *job) {
	l.live[j.ID] = j
	l.films.begun(j.Job)
}

// forget drops a job whose folder is gone.
func (l *ledger) forget(j *job) {
	delete(l.live, j.ID)
	l.films.ended(j.Job, false)
	l.known.CompareAndDelete(contentOf(j.Job), j.ID)
}

// close drops a job that has ended. published: its output is out.
func (l *ledger) close(j *job, published bool) {
	l.closed[j.ID] = true
	l.recent = append(l.recent[max(0, len(l.recent)-maxRecent+1):], j.ID)
	delete(l.live, j.ID)
	l.films.ended(j.Job, published)
	if published {
		l.known.Store(contentOf(j.Job), j.ID)
	} else {
		l.known.CompareAndDelete(contentOf(j.Job), j.ID)
	}
}

// reopen forgets that a job has ended.
func (l *ledger) reopen(id string) {
	delete(l.closed, id)
	delete(l.late, id)
}

// findJobs takes up the jobs that another life of a master has left, or another master has made.
func (t *term) findJobs() error {
	ids, err := t.FS.List(pipeline.Jobs)
	if err != nil {
		return err
	}
	l := &t.jobs
	l.present = map[string]bool{}
	for _, id := range ids {
		l.present[id] = true
		if !pipeline.ValidJob(id) || l.closed[id] || l.live[id] != nil || l.taking[id] {
			continue
		}
		record, err := pipeline.LoadJob(t.FS, id)
		switch {
		case err == nil:
			l.adopt(liveJob(record))
		case errors.Is(err, fs.ErrNotExist):
			t.unwritten(id) // its master is just making it, or never came to that
		default: // another master may be writing it; whatever else it is, it harms no other job
			t.once("a job's folder can't be read, left alone", id, err)
		}
	}
	return nil
}

// close lets go of a job in whose folder nothing is left to do. false: that can't outlast a power loss of the file
// server yet.
func (t *term) close(j *job, dir pipeline.Folder) bool {
	if j.ending.begun { // else it was found closed: making that durable was the last leader's affair
		if err := t.FS.Durable(pipeline.JobFile(j.ID, pipeline.ClosedName)); err != nil {
			t.later(j, "cannot close", err)
			return false
		}
	}
	t.sweepTemporary(j.ID, dir)
	if dir.Out() { // made again by a request that landed late
		if err := t.sweepFolder(pipeline.OutOf(j.ID)); err != nil {
			t.Log.Debug("cannot sweep an ended job's folder", "job", j.ID, "error", err)
		}
	}
	c, err := pipeline.LoadClosed(t.FS, j.ID)
	t.jobs.close(j, err == nil && c.Act.Publishes())
	if err == nil && c.Source == "" {
		t.jobs.late[j.ID] = &lateJob{job: j.Job, until: time.Now().Add(lateFor), next: time.Now().Add(sharefs.StaleNames)}
	}
	return true
}

// reopened takes a job up again that has ended, where its folder shows that it has not: a person put the share back
// as it was in a snapshot. After an error that is not known.
func (t *term) reopened(id string) (bool, error) {
	dir, err := pipeline.ListFolder(t.FS, id)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || !dir.Job() || dir.Closed() {
		return false, err
	}
	t.Log.Warn("a job that had ended has not, as its folder says: it is taken up again", "job", id)
	t.jobs.reopen(id)
	return true, nil
}

// maxRecent is how many of the jobs that ended last are looked at again, one in each round: what a snapshot undoes
// is what happened last.
const maxRecent = 64

// lookBack looks whether one of the jobs that ended last still has.
func (t *term) lookBack() {
	l := &t.jobs
	if len(l.recent) == 0 {
		return
	}
	id := l.recent[0]
	l.recent = l.recent[1:]
	if !l.closed[id] {
		return
	}
	if reopened, _ := t.reopened(id); !reopened { // after an error it is asked again when its turn comes
		l.recent = append(l.recent, id)
	}
}

// lateJob is a job that ended without its source.
type lateJob struct {
	job         *pipeline.Job
	until, next time.Time
}

// lateFor is how long after a job's end the rename of its source into its folder may still land: longer
// than any client was seen to repeat a request.
const lateFor = time.Hour

// lookAtLate takes a job up again whose source has come after its end, so that it is given back.
func (t *term) lookAtLate() {
	for id, l := range t.jobs.late {
		if time.Now().After(l.next) {
			l.next = time.Now().Add(sharefs.StaleNames)
			dir, err := pipeline.ListFolder(t.FS, id)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				delete(t.jobs.late, id)
			case err == nil && dir.Source(l.job): // another error is the share's, not the folder's
				t.jobs.reopen(id)
				t.jobs.adopt(liveJob(l.job))
			}
		}
		if time.Now().After(l.until) {
			delete(t.jobs.late, id)
		}
	}
}
