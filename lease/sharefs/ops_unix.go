//go:build unix

package sharefs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func (o osOps) path(name string) string { return filepath.Join(o.root, name) }

// Rename calls renameat(2) once. os.Rename looks the target up first, which a cache can answer
// wrongly, and repeats the call after EINTR, although the first one may have been done.
func (o osOps) Rename(src, dst string) error { return o.two("rename", src, dst, unix.Renameat) }

func (o osOps) Link(src, dst string) error {
	return o.two("link", src, dst, func(from int, src string, to int, dst string) error {
		return unix.Linkat(from, src, to, dst, 0)
	})
}

func (o osOps) two(op, src, dst string, call func(from int, src string, to int, dst string) error) error {
	err := o.in(src, func(from int, srcBase string) error {
		return o.in(dst, func(to int, dstBase string) error { return call(from, srcBase, to, dstBase) })
	})
	if err != nil {
		return &os.LinkError{Op: op, Old: o.path(src), New: o.path(dst), Err: err}
	}
	return nil
}

// OpenFile sets the mode of a file it creates explicitly, because several users share the share and
// each one's umask would take the group's write permission away.
func (o osOps) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := o.open(name, flag, perm)
	if err != nil {
		return nil, err
	}
	if flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0 {
		_ = f.Chmod(perm) // a server that maps all users to one may refuse; then its own rules hold
	}
	return f, nil
}

func (o osOps) ReadDir(name string) ([]fs.DirEntry, error) {
	d, err := o.open(name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	entries, err := d.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// Mkdir sets the mode explicitly for the same reason as OpenFile, and because mkdir(2) ignores setgid.
func (o osOps) Mkdir(name string, perm fs.FileMode) error {
	err := o.one("mkdir", name, func(dir int, base string) error { return unix.Mkdirat(dir, base, uint32(perm.Perm())) })
	if err != nil {
		return err
	}
	if d, err := o.open(name, unix.O_RDONLY|unix.O_DIRECTORY, 0); err == nil {
		_ = d.Chmod(perm)
		_ = d.Close()
	}
	return nil
}

func (o osOps) Unlink(name string) error {
	return o.one("unlink", name, func(dir int, base string) error { return unix.Unlinkat(dir, base, 0) })
}

func (o osOps) Rmdir(name string) error {
	return o.one("rmdir", name, func(dir int, base string) error { return unix.Unlinkat(dir, base, unix.AT_REMOVEDIR) })
}

// Chtimes sets the time of the last access too, which nobody asks for.
func (o osOps) Chtimes(name string, mtime time.Time) error {
	at, err := unix.TimeToTimespec(mtime)
	if err != nil {
		return &fs.PathError{Op: "chtimes", Path: o.path(name), Err: err}
	}
	return o.one("chtimes", name, func(dir int, base string) error {
		return unix.UtimesNanoAt(dir, base, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
	})
}

func (o osOps) one(op, name string, call func(dir int, base string) error) error {
	if err := o.in(name, call); err != nil {
		return &fs.PathError{Op: op, Path: o.path(name), Err: err}
	}
	return nil
}

func (o osOps) SyncDir(name string) error {
	d, err := o.open(name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
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
	dir, err := o.descriptor(path.Dir(name), searchOnly|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(dir) }()
	return do(dir, path.Base(name))
}
