package master

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// leftovers is what is watched until it is sure that nobody needs it any more.
type leftovers struct {
	orphans persistences[string] // chunk folders whose job has no folder, by job
	empty   persistences[string] // folders under jobs/ without a job
	still   map[string]*still    // files that living daemons rewrite
	looked  time.Time            // for the latter
}

// sweepOrphans removes the chunks of jobs that have ended (a late rename, a late worker) and of jobs
// whose folder a person removed, once it has been gone for so long that it can't be a stale listing.
func (t *term) sweepOrphans(survey *pipeline.Survey) {
	l := &t.jobs
	for _, id := range survey.Jobs() {
		if l.live[id] != nil || l.taking[id] || l.present[id] && !l.closed[id] {
			delete(t.leftovers.orphans, id)
			continue
		}
		if l.closed[id] {
			if reopened, err := t.reopened(id); reopened || err != nil { // in doubt nothing is swept
				continue
			}
		}
		if l.closed[id] || t.leftovers.orphans.of(id).seen(t.pace.gap()) > t.missingFor() {
			t.Log.Info("sweeping what a job left behind", "job", id)
			if err := t.sweep(id); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Log.Warn("cannot sweep", "job", id, "error", err)
			}
		}
	}
}

// unwritten deals with a folder under jobs/ that holds no job, as a listing shows and not only an open,
// which NFS answers from a cache: it is no reason to keep chunks of that name. It is removed once it has been so for
// so long that its master must be gone. Folders with anything in them stay.
func (t *term) unwritten(id string) {
	dir, err := pipeline.ListFolder(t.FS, id)
	if err != nil || dir.Job() {
		return
	}
	delete(t.jobs.present, id)
	if t.leftovers.empty.of(id).seen(t.pace.gap()) < max(t.Terms.Expiry, sharefs.StaleNames) {
		return
	}
	delete(t.leftovers.empty, id)
	t.sweepTemporary(id, dir)
	for _, dir := range append(pipeline.JobFolders(id), pipeline.JobDir(id)) {
		if err := t.FS.RemoveDir(dir); err != nil {
			t.Log.Debug("cannot remove an empty job folder", "job", id, "error", err)
		}
	}
}

// still is a file that its daemon should rewrite, as it looked last.
type still struct {
	size  int64
	mtime time.Time
	persistence
}

// sweepDead removes what daemons that were killed have left in nodes/ and among the probes, and what a killed master
// was just writing for people.
func (t *term) sweepDead() {
	if time.Since(t.leftovers.looked) < pipeline.DeadFor/10 {
		return
	}
	t.leftovers.looked = time.Now()
	t.sweepStaged()
	t.sweepUntold()
	if names, err := t.FS.List("."); err == nil {
		for _, n := range names {
			page := strings.HasPrefix(n, pipeline.StatusPage+".") || strings.HasPrefix(n, pipeline.StatusJSON+".")
			if page && path.Ext(n) == ".tmp" {
				t.sweepStill(n)
			}
		}
		t.refurnishRoot(names)
	}
	for _, dir := range []string{pipeline.Nodes, pipeline.ProbeDir} {
		names, err := t.FS.List(dir)
		if err != nil {
			continue
		}
		for _, n := range names {
			t.sweepStill(path.Join(dir, n))
		}
	}
}

// refurnishRoot makes folders again that are gone from a listing of the root.
func (t *term) refurnishRoot(names []string) {
	for _, folder := range pipeline.Folders() {
		if top, _, _ := strings.Cut(folder, "/"); !contains(names, top) {
			t.refurnish(fs.ErrNotExist)
			return
		}
	}
}

func (t *term) sweepStill(name string) {
	st, err := t.FS.Stat(name)
	if err != nil {
		return // a folder, or gone
	}
	if t.leftovers.still == nil {
		t.leftovers.still = map[string]*still{}
	}
	s := t.leftovers.still[name]
	if s == nil || s.size != st.Size() || !s.mtime.Equal(st.ModTime()) {
		s = &still{size: st.Size(), mtime: st.ModTime()}
		t.leftovers.still[name] = s
	}
	if s.seen(pipeline.DeadFor/2) < max(pipeline.DeadFor, 4*t.Terms.Expiry) {
		return
	}
	delete(t.leftovers.still, name)
	if err := t.FS.Remove(name); err != nil {
		t.Log.Debug("cannot remove what a dead daemon left", "name", name, "error", err)
	}
}
