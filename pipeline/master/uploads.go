package master

import (
	"path"
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
	if sharefs.Links(info) > 1 {
		limit = deadFor
	}
	if now.Sub(info.ModTime()) < limit {
		return
	}
	t.Log.Info("removing what nobody goes on with in the inbox", "name", name, "bytes", info.Size())
	if err := t.FS.Remove(name); err != nil {
		t.Log.Debug("cannot remove what was not finished", "name", name, "error", err)
	}
}
