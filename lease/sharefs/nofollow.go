package sharefs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

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

// open opens a name without following a link at its end or on the way to it (ELOOP).
func (o osOps) open(name string, flag int, perm fs.FileMode) (*os.File, error) {
	fd, err := -1, ErrName
	if validName(name) {
		fd, err = o.descriptor(name, flag, uint32(perm.Perm()))
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: o.path(name), Err: err}
	}
	return os.NewFile(uintptr(fd), o.path(name)), nil
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

// in calls do with the folder that a name lies in, and the name's last element. The folder is open for nothing but
// this, which asks the server no more than a path does. It is looked up once more if it was replaced
// meanwhile, as the kernel does for a path (ESTALE).
func (o osOps) in(name string, do func(dir int, base string) error) error {
	if !validName(name) {
		return ErrName
	}
	err := o.once(name, do)
	if errors.Is(err, unix.ESTALE) {
		err = o.once(name, do)
	}
	return err
}

func (o osOps) once(name string, do func(dir int, base string) error) error {
	name = path.Clean(name)
	dir, err := o.descriptor(path.Dir(name), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(dir) }()
	return do(dir, path.Base(name))
}
