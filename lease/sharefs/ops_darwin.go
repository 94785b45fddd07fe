package sharefs

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// osOps take no name that leads out of root, and follow no symbolic link below it: anybody may plant one where a folder
// of the share is expected.
type osOps struct{ root string }

// plainOnly keeps an open from hanging on a FIFO. No open here follows a link.
const plainOnly = unix.O_NONBLOCK

// searchOnly opens a folder for nothing but what lies in it.
const searchOnly = unix.O_RDONLY

func newOps(root string) osOps { return osOps{root: root} }

// descriptor follows no link in the whole path (open(2), O_NOFOLLOW_ANY: macOS 11). The root's own are resolved before.
func (o osOps) descriptor(name string, flag int, perm uint32) (fd int, err error) {
	for {
		fd, err = unix.Open(o.path(name), flag|unix.O_NOFOLLOW_ANY|unix.O_CLOEXEC, perm)
		if !errors.Is(err, unix.EINTR) { // as os.OpenFile does: a network file system may say it
			return fd, err
		}
	}
}

// Lstat looks into the folder that it has opened without following a link.
func (o osOps) Lstat(name string) (fs.FileInfo, error) {
	err := o.one("lstat", name, func(dir int, base string) error {
		var unused unix.Stat_t
		return unix.Fstatat(dir, base, &unused, unix.AT_SYMLINK_NOFOLLOW)
	})
	if err != nil {
		return nil, err
	}
	return os.Lstat(o.path(name))
}
