package master

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// contains tells whether a sorted listing has the last element of name.
func contains(names []string, name string) bool {
	_, found := slices.BinarySearch(names, path.Base(name))
	return found
}

// sweep removes what a job that is decided leaves behind: its chunks, results, intermediate files. Names
// are unlinked one by one and folders only when they are empty, because a late rename may still land in
// them; a source is never removed.
func (m *Master) sweep(job string) error {
	for _, dir := range []string{pipeline.PendingOf(job), pipeline.DoneOf(job), pipeline.SetAsideOf(job), pipeline.OutOf(job)} {
		if err := m.sweepFolder(dir); err != nil {
			return err
		}
	}
	claimed, err := m.FS.List(pipeline.ClaimedDir)
	if err != nil {
		return err
	}
	for _, n := range claimed {
		if strings.HasPrefix(n, job+".") {
			if err := m.FS.Remove(path.Join(pipeline.ClaimedDir, n)); err != nil {
				return err
			}
		}
	}
	dir, err := pipeline.LookInto(m.FS, job)
	if err != nil {
		return err
	}
	m.sweepTemporary(job, dir)
	for n := range dir {
		if strings.HasPrefix(n, "norm.") {
			if err := m.FS.Remove(pipeline.JobFile(job, n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepFolder empties a folder and removes it. A listing may have missed a name, so it looks again; what
// still comes in is an error, and swept the next time. Of a link in its place the link is removed.
func (m *Master) sweepFolder(dir string) error {
	for range sweepLooks {
		names, err := m.FS.List(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case sharefs.NotFolder(err):
			return m.FS.Remove(dir)
		case err != nil:
			return err
		}
		for _, n := range names {
			remove := m.FS.Remove
			if strings.HasSuffix(n, pipeline.WorkOf("")) {
				remove = m.sweepFolder
			}
			if err := remove(path.Join(dir, n)); err != nil {
				return err
			}
		}
		if err := m.FS.RemoveDir(dir); err != nil {
			return err
		}
	}
	return fmt.Errorf("cannot sweep %q: it does not stay empty", dir)
}

// sweepLooks is how often a folder is listed until it must be gone.
const sweepLooks = 3

// sweepOrphans removes the chunks of jobs that have ended (a late rename, a late worker) and of jobs
// whose folder a person removed, once it has been gone for so long that it can't be a stale listing.
func (m *Master) sweepOrphans(survey *pipeline.Survey) {
	for _, id := range survey.Jobs() {
		if m.jobs[id] != nil || m.taking[id] || m.present[id] && !m.closed[id] {
			delete(m.orphans, id)
			continue
		}
		if m.closed[id] && m.reopened(id) {
			continue
		}
		if m.closed[id] || waitFor(&m.orphans, id).seen(m.gap()) > m.missingFor() {
			m.Log.Info("sweeping what a job left behind", "job", id)
			if err := m.sweep(id); err != nil && !errors.Is(err, fs.ErrNotExist) {
				m.Log.Warn("cannot sweep", "job", id, "error", err)
			}
		}
	}
}

// reopened forgets that a job has ended whose folder says that it has not: a person put the share back as it was in
// a snapshot. In doubt it is neither taken up nor swept.
func (m *Master) reopened(id string) bool {
	dir, err := pipeline.LookInto(m.FS, id)
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

// sweepTemporary removes what publications that were cut off have left in a job's folder. One that is only
// late finds its file gone, and tries again.
func (m *Master) sweepTemporary(job string, dir pipeline.Folder) {
	for _, n := range slices.Sorted(maps.Keys(dir)) {
		if !strings.HasSuffix(n, ".tmp") {
			continue
		}
		if err := m.FS.Remove(pipeline.JobFile(job, n)); err != nil {
			m.Log.Debug("cannot remove a temporary file", "job", job, "name", n, "error", err)
		}
	}
}

// unwritten deals with a folder under jobs/ that holds no job, as a listing tells and not only an open,
// which NFS answers from a cache: it is tidied up, and no reason to keep chunks of that name.
func (m *Master) unwritten(id string) {
	if dir, err := pipeline.LookInto(m.FS, id); err == nil && !dir.Job() {
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
	if dir, err := pipeline.LookInto(m.FS, id); err == nil {
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
	dir, err := pipeline.LookInto(m.FS, l.job.ID)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the share is in trouble, not the folder
	}
	return dir, err
}

// logOf joins the reports on a job's failed attempts to one text.
func (m *Master) logOf(job string) string {
	names, err := m.FS.List(pipeline.LogDir(job))
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, n := range names {
		if text, err := m.FS.Read(pipeline.JobLog(job, n), maxLog); err == nil {
			b.WriteString(n + "\n" + string(text) + "\n")
		}
	}
	return b.String()
}

// maxLog bounds what is read of one report, in bytes.
const maxLog = 1 << 20

// deadFor is how long a file that its daemon rewrites all the time has stood still when it is swept.
const deadFor = 10 * time.Minute

// still is a file that its daemon should rewrite, as it looked last.
type still struct {
	size  int64
	mtime time.Time
	patience
}

// sweepDead removes what daemons that were killed have left in nodes/ and among the probes.
func (m *Master) sweepDead() {
	if time.Since(m.lastDead) < deadFor/10 {
		return
	}
	m.lastDead = time.Now()
	m.lookAtRoot()
	for _, dir := range []string{pipeline.Nodes, pipeline.ProbeDir} {
		names, err := m.FS.List(dir)
		if err != nil {
			continue
		}
		for _, n := range names {
			m.sweepStill(path.Join(dir, n))
		}
	}
}

// lookAtRoot removes what a killed master was just writing for people, and makes folders again that are gone.
func (m *Master) lookAtRoot() {
	names, err := m.FS.List(".")
	if err != nil {
		return
	}
	for _, n := range names {
		if path.Ext(n) == ".tmp" && (strings.HasPrefix(n, pipeline.StatusPage+".") || strings.HasPrefix(n, pipeline.StatusJSON+".")) {
			m.sweepStill(n)
		}
	}
	for _, folder := range pipeline.Folders() {
		if top, _, _ := strings.Cut(folder, "/"); !contains(names, top) {
			m.refurnish(fs.ErrNotExist)
			return
		}
	}
}

func (m *Master) sweepStill(name string) {
	st, err := m.FS.Stat(name)
	if err != nil {
		return // a folder, or gone
	}
	s := m.dead[name]
	if s == nil || s.size != st.Size() || !s.mtime.Equal(st.ModTime()) {
		s = &still{size: st.Size(), mtime: st.ModTime()}
		m.dead[name] = s
	}
	if s.seen(deadFor/2) < max(deadFor, 4*m.Terms.Expiry) {
		return
	}
	delete(m.dead, name)
	if err := m.FS.Remove(name); err != nil {
		m.Log.Debug("cannot remove what a dead daemon left", "name", name, "error", err)
	}
}
