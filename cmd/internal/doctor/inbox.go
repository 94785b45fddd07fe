package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// maxInInbox bounds how many files and folders of the inbox are looked at.
const maxInInbox = 10_000

// inboxWalk is a look at all that lies in the inbox.
type inboxWalk struct {
	share *sharefs.FS
	seen  int
	stuck []string // what can't be taken, and why
	mend  string   // the command that mends the first of it
}

// checkInbox looks whether this user could take what lies in the inbox: people make folders there with
// permissions of their own, and mount things.
func checkInbox(share *sharefs.FS) Finding {
	w := inboxWalk{share: share}
	w.folder(pipeline.Inbox)
	if w.stuck != nil {
		if strings.Contains(w.mend, "chmod g+") {
			w.mend += "; let people have `umask 002` there"
		}
		return failed("inbox", "can't be taken from: %s", some(w.stuck)).because(
			"a file is moved out of the inbox, and stays there where that is not allowed",
			w.mend)
	}
	return ok("inbox", "%d files and folders, all of which may be taken", w.seen)
}

func (w *inboxWalk) note(name, what, mend string) {
	w.stuck = append(w.stuck, fmt.Sprintf("%s (%s)", pipeline.RawName(name), what))
	w.mend = cmp.Or(w.mend, mend)
}

func (w *inboxWalk) folder(dir string) {
	entries, err := w.share.Entries(dir)
	switch {
	case errors.Is(err, fs.ErrPermission):
		w.note(dir, "it can't be listed", "chmod g+rwx,g+s "+sharefs.Quote(w.share.Path(dir)))
		return
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		w.note(dir, "it can't be listed", "see the server's log, or move it out of the inbox")
		return
	}
	if o := w.share.Obstacle(path.Join(dir, "new"), pipeline.Jobs); o != nil {
		w.note(dir, o.What, o.Mend)
		return
	}
	for _, e := range entries {
		if w.seen++; w.seen > maxInInbox {
			return
		}
		name := path.Join(dir, e.Name())
		if e.IsDir() {
			w.folder(name)
		} else if e.Type().IsRegular() {
			w.file(name)
		}
	}
}

func (w *inboxWalk) file(name string) {
	if o := w.share.Obstacle(name, pipeline.Jobs); o != nil {
		w.note(name, o.What, o.Mend)
	} else if errors.Is(sharefs.MayRead(w.share.Path(name)), fs.ErrPermission) {
		w.note(name, "it can't be read", "chmod g+r "+sharefs.Quote(w.share.Path(name)))
	}
}
