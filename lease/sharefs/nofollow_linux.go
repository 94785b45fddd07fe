package sharefs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// osOps take no name that leads out of root, and follow no symbolic link below it: anybody may plant one where a folder
// of the share is expected.
type osOps struct {
	root    string
	openat2 bool
}

// plainOnly keeps an open from following a link planted under the name and from hanging on a FIFO.
const plainOnly = unix.O_NOFOLLOW | unix.O_NONBLOCK

// searchOnly opens a folder for nothing but what lies in it.
const searchOnly = unix.O_PATH

func newOps(root string) osOps { return osOps{root: root, openat2: hasOpenat2(root)} }

// hasOpenat2 reports whether openat2(2) can be had: from Linux 5.6 on, unless a container's filter forbids it.
func hasOpenat2(root string) bool {
	fd, err := unix.Openat2(unix.AT_FDCWD, root,
		&unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		return false
	}
	_ = unix.Close(fd)
	return true
}

func (o osOps) descriptor(name string, flag int, perm uint32) (fd int, err error) {
	for {
		if o.openat2 {
			how := unix.OpenHow{Flags: uint64(flag) | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
			if flag&os.O_CREATE != 0 { // else a mode is EINVAL: openat2(2)
				how.Mode = uint64(perm)
			}
			fd, err = unix.Openat2(unix.AT_FDCWD, o.path(name), &how)
		} else {
			fd, err = o.stepwise(name, flag, perm)
		}
		if !errors.Is(err, unix.EINTR) { // as os.OpenFile does: a network file system may say it
			return fd, err
		}
	}
}

// stepwise is openat2(2) for those who have none: folder by folder, none of them a link (ENOTDIR).
func (o osOps) stepwise(name string, flag int, perm uint32) (int, error) {
	at, err := unix.Open(o.root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	steps := strings.Split(path.Clean(name), "/")
	for i, step := range steps {
		if err != nil {
			return -1, err
		}
		how, above := unix.O_PATH|unix.O_DIRECTORY, at
		if i == len(steps)-1 {
			how = flag
		}
		at, err = unix.Openat(above, step, how|unix.O_NOFOLLOW|unix.O_CLOEXEC, perm)
		_ = unix.Close(above)
	}
	return at, err
}

// Lstat asks the server first. An SMB client believes what it knows of a file, all its names included, for as
// long as somebody looks at it every second (actimeo) under one of them. After the first call here it does
// not (statx(2), AT_STATX_FORCE_SYNC), and the second one, which counts, finds a name gone that is gone.
func (o osOps) Lstat(name string) (fs.FileInfo, error) {
	err := o.one("lstat", name, func(dir int, base string) error {
		var unused unix.Statx_t
		return unix.Statx(dir, base, unix.AT_SYMLINK_NOFOLLOW|unix.AT_STATX_FORCE_SYNC, unix.STATX_BASIC_STATS, &unused)
	})
	var onTheWay *fs.PathError
	if errors.As(err, &onTheWay) && slices.Contains([]error{unix.ELOOP, unix.ENOTDIR, ErrName}, onTheWay.Err) {
		return nil, err
	}
	return os.Lstat(o.path(name))
}
