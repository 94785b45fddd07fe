package master

import (
	"errors"
	"io/fs"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// forget drops a job whose folder is gone.
func (m *Master) forget(j *job) {
	delete(m.jobs, j.ID)
	m.films.ended(j.Job, false)
	m.known.drop(contentOf(j.Job), j.ID)
}

// closedForGood makes the end of a job that this master has finished outlast a power loss of the file
// server: nobody looks at it again before the next leader.
func (m *Master) closedForGood(j *job) bool {
	if !j.finished {
		return true // it was found closed: that it outlasts, or is closed once more, is the last leader's affair
	}
	if err := m.FS.Durable(pipeline.JobFile(j.ID, pipeline.ClosedName)); err != nil {
		m.later(j, "cannot close", err)
		return false
	}
	return true
}

// close drops a job that has ended.
func (m *Master) close(j *job, dir pipeline.Folder) {
	m.sweepTemporary(j.ID, dir)
	if dir.Out() { // made again by a request that landed late
		if err := m.sweepFolder(pipeline.OutOf(j.ID)); err != nil {
			m.Log.Debug("cannot sweep an ended job's folder", "job", j.ID, "error", err)
		}
	}
	m.closed[j.ID] = true
	m.recent = append(m.recent[max(0, len(m.recent)-maxRecent+1):], j.ID)
	delete(m.jobs, j.ID)
	c, err := pipeline.LoadClosed(m.FS, j.ID)
	if err == nil && c.Source == "" {
		m.late[j.ID] = &lateJob{job: j, until: time.Now().Add(lateFor), next: time.Now().Add(staleNames)}
	}
	m.films.ended(j.Job, err == nil && c.Act == pipeline.ActPublish)
	if err == nil && c.Act == pipeline.ActPublish {
		m.known.add(contentOf(j.Job), j.ID)
		return
	}
	m.known.drop(contentOf(j.Job), j.ID)
}

// findJobs takes up the jobs that another life of a master has left, or another master has made.
func (m *Master) findJobs() error {
	ids, err := m.FS.List(pipeline.Jobs)
	if err != nil {
		return err
	}
	m.present = map[string]bool{}
	for _, id := range ids {
		m.present[id] = true
		if !pipeline.ValidJob(id) || m.closed[id] || m.jobs[id] != nil || m.taking[id] {
			continue
		}
		record, err := pipeline.LoadJob(m.FS, id)
		if errors.Is(err, fs.ErrNotExist) {
			m.unwritten(id) // its master is just making it, or never came to that
			continue
		}
		if err != nil { // another master may be writing it; whatever else it is, it harms no other job
			m.once("a job's folder can't be read, left alone", "job", id, "error", err)
			continue
		}
		m.adopt(&job{Job: record})
	}
	return nil
}

// adopt puts a job under this master's eyes.
func (m *Master) adopt(j *job) {
	m.jobs[j.ID] = j
	m.films.begun(j.Job)
}

// inOrder returns the live jobs by priority, then age.
func (m *Master) inOrder() []*job {
	out := make([]*job, 0, len(m.jobs))
	for _, j := range m.jobs {
		out = append(out, j)
	}
	sortJobs(out)
	return out
}

// reopened forgets that a job has ended whose folder says that it has not: a person put the share back as it was in
// a snapshot. In doubt it is neither taken up nor swept.
func (m *Master) reopened(id string) bool {
	dir, err := pipeline.ListFolder(m.FS, id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case err != nil:
		return true
	case dir.Job() && !dir.Closed():
		m.Log.Warn("a job that had ended has not, as its folder says: it is taken up again", "job", id)
		delete(m.closed, id)
		delete(m.late, id)
		return true
	}
	return false
}

// maxRecent is how many of the jobs that ended last are looked at again, one in each round: what a snapshot undoes
// is what happened last.
const maxRecent = 64

// lookBack looks whether one of the jobs that ended last still has.
func (m *Master) lookBack() {
	if len(m.recent) == 0 {
		return
	}
	id := m.recent[0]
	m.recent = m.recent[1:]
	if m.closed[id] && !m.reopened(id) {
		m.recent = append(m.recent, id)
	}
}

// unwritten deals with a folder under jobs/ that holds no job, as a listing tells and not only an open,
// which NFS answers from a cache: it is tidied up, and no reason to keep chunks of that name.
func (m *Master) unwritten(id string) {
	if dir, err := pipeline.ListFolder(m.FS, id); err == nil && !dir.Job() {
		delete(m.present, id)
		m.sweepEmpty(id)
	}
}

// sweepEmpty removes a folder under jobs/ in which no job was ever written down, once it has been one for
// so long that its master must be gone. Folders with anything in them stay.
func (m *Master) sweepEmpty(id string) {
	if waitFor(&m.empty, id).seen(m.gap()) < max(m.Terms.Expiry, staleNames) {
		return
	}
	delete(m.empty, id)
	if dir, err := pipeline.ListFolder(m.FS, id); err == nil {
		m.sweepTemporary(id, dir)
	}
	for _, dir := range append(pipeline.JobFolders(id), pipeline.JobDir(id)) {
		if err := m.FS.RemoveDir(dir); err != nil {
			m.Log.Debug("cannot remove an empty job folder", "job", id, "error", err)
		}
	}
}

// lateJob is a job that ended without its source.
type lateJob struct {
	job         *job
	until, next time.Time
}

// lateFor is how long after a job's end the rename of its source into its folder may still land: longer
// than any client was seen to repeat a request.
const lateFor = time.Hour

// lookAtLate takes a job up again whose source has come after its end, so that it is given back.
func (m *Master) lookAtLate() {
	for id, l := range m.late {
		switch dir, err := m.lookAgain(l); {
		case err != nil || dir.Source(l.job.Job):
			delete(m.late, id)
			if err == nil {
				delete(m.closed, id)
				m.adopt(&job{Job: l.job.Job})
			}
		case time.Now().After(l.until):
			delete(m.late, id)
		}
	}
}

// lookAgain lists a late job's folder if it is time to.
func (m *Master) lookAgain(l *lateJob) (pipeline.Folder, error) {
	if time.Now().Before(l.next) {
		return nil, nil
	}
	l.next = time.Now().Add(staleNames)
	dir, err := pipeline.ListFolder(m.FS, l.job.ID)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the share is in trouble, not the folder
	}
	return dir, err
}
