package master

import (
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// sweepStaged removes what nobody goes on with of the films that were being uploaded or added, and the second name of
// one that was named by somebody who died then: with two names no film is taken in.
func (t *term) sweepStaged() {
	names, err := t.FS.List(pipeline.Inbox)
	if err != nil {
		return
	}
	var now time.Time
	for _, n := range names {
		if !pipeline.Staged(n) {
			continue
		}
		if now.IsZero() {
			if now, err = pipeline.ShareTime(t.FS); err != nil {
				return
			}
		}
		t.sweepIfOld(path.Join(pipeline.Inbox, n), now)
	}
}

func (t *term) sweepIfOld(name string, now time.Time) {
	info, err := t.FS.Stat(name)
	if err != nil {
		return // gone, or not ours to judge
	}
	limit := pipeline.KeepUploads
	if sharefs.Links(info) > 1 && t.namedBelow(pipeline.Inbox, name, info) {
		limit = pipeline.DeadFor
	}
	if now.Sub(info.ModTime()) < limit {
		return
	}
	t.Log.Info("removing what nobody goes on with in the inbox", "name", name, "bytes", info.Size())
	if err := t.FS.Remove(name); err != nil {
		t.Log.Debug("cannot remove what was not finished", "name", name, "error", err)
	}
}

// namedBelow reports whether a file has a second name below a folder. One elsewhere, as of a backup, says nothing.
func (t *term) namedBelow(dir, name string, file fs.FileInfo) bool {
	entries, err := t.FS.Entries(dir)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		other := path.Join(dir, e.Name())
		if e.IsDir() {
			return t.namedBelow(other, name, file)
		}
		info, err := e.Info()
		if err != nil || other == name || info.Size() != file.Size() {
			return false
		}
		info, err = t.FS.Stat(other)
		return err == nil && sharefs.SameFile(info, file)
	})
}
