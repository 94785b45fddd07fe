package master

import (
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
)

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
