package doctor

import (
	"errors"
	"io/fs"

	"github.com/distenc/distenc/lease/sharefs"
)

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
