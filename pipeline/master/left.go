package master

import (
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

const (
	// intakeLanes is how many files of the inbox are read at once at most.
	intakeLanes = 4
	// smallFile is the size in bytes up to which a file may use every lane: it is read within seconds.
	smallFile = 256 << 20
)

// lanes is how many files may be read at once for this one to be begun. A large one leaves a lane to urgent ones,
// and those leave one to small ones, so that whatever is slow keeps neither waiting.
func lanes(f watcher.File, d *dropped) int {
	switch {
	case f.Size <= smallFile:
		return intakeLanes
	case d.priority > 0:
		return intakeLanes - 1
	}
	return intakeLanes - 2
}

// maxUnmoved bounds how long a file rests that can't be moved for a reason that could not be foreseen: errRest,
// doubled as often, is an hour.
const maxUnmoved = 8

// leave notes why a file can't be taken as things are, "" where nothing is known against it, and logs it once.
func (m *Master) leave(d *dropped, why string) {
	if d.left != why && why != "" {
		m.Log.Warn("left alone in the inbox", "name", pipeline.RawName(d.file.Name).String(), "reason", why)
	}
	d.left = why
}

// tellLeft writes down for people what is left alone in the inbox, if that has changed.
func (m *Master) tellLeft() {
	var left []pipeline.LeftAlone
	for name, d := range m.dropped {
		if d.left != "" {
			left = append(left, pipeline.LeftAlone{Name: pipeline.RawName(strings.TrimPrefix(name, pipeline.Inbox+"/")), Why: d.left})
		}
	}
	slices.SortFunc(left, func(a, b pipeline.LeftAlone) int { return strings.Compare(string(a.Name), string(b.Name)) })
	if slices.Equal(left, m.left) {
		return
	}
	if err := pipeline.WriteLeftAlone(m.FS, left); err != nil {
		m.Log.Debug("cannot tell what is left alone in the inbox", "error", err)
		return
	}
	m.left = left
}
