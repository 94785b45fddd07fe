package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// Unusable explains why a folder can't be opened as a share, err being what opening it said. It looks,
// and writes nothing.
func Unusable(root fs.FS, dir string, err error) Finding {
	f := failed("share", "%v", err)
	if dir == "" {
		return f // the error says where to set it
	}
	if f.Do = Hint(err); f.Do != "" {
		return f
	}
	info, statErr := os.Stat(dir)
	if _, markerErr := os.Stat(filepath.Join(dir, pipeline.Cluster)); markerErr == nil {
		return f // it is a share, but something else is wrong with it
	}
	f.Why = "nothing is written to a folder without the share's marker: it may be the empty folder under a mount that " +
		"is missing"
	m := mount{}
	if statErr == nil && info.IsDir() {
		m = mountOf(root, dir)
	}
	switch {
	case inFstab(root, dir) && m.point != dir:
		f.Seen = fmt.Sprintf("%s is not mounted (%v)", dir, err)
		f.Do = fmt.Sprintf("`mount %s`: it stands in /etc/fstab. If that fails: is the server up, and `_netdev` among the "+
			"options?", dir)
	case errors.Is(statErr, fs.ErrNotExist):
		f.Why = ""
		f.Do = "make the folder and mount the share on it, or say with --share where it is"
	case m.point == dir:
		f.Do = fmt.Sprintf("%s %s is mounted here: is it the right folder of the server? `distenc init %s` makes a share "+
			"of an empty one", m.kind, m.source, dir)
	default:
		f.Do = fmt.Sprintf("nothing is mounted on it, and /etc/fstab does not name it: mount the share, or `distenc init "+
			"%s` for a new one on this disk", dir)
	}
	return f
}

// hints are what a person can do about what the system answered.
var hints = []struct {
	is   func(error) bool
	text string
}{
	{func(err error) bool { return errors.Is(err, fs.ErrPermission) },
		"Run distenc as a user who may do that. On a share that is the user or group of its folders: \"Who may write\" in " +
			"the README."},
	{sharefs.ReadOnly, "The file system is mounted read-only: mount it for writing too."},
	{sharefs.Full, "The disk is full, of data or of files (`df -h` and `df -i` tell), or a quota is used up: make room " +
		"there. What was done so far is kept, and work goes on from there."},
	{sharefs.Unreadable, "The disk or the file server has an error of its own: `dmesg` there tells which. Nothing is " +
		"given up on the share until it can be read again."},
	{sharefs.Stale, "The file server has lost track of this mount: unmount the share and mount it again."},
}

// Hint returns what a person can do about what the system answered; "" where the answer itself says it.
func Hint(err error) string {
	for _, h := range hints {
		if h.is(err) {
			return h.text
		}
	}
	return ""
}
