package sharefs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// File is an open file on the share. Closing it can fail, and then what was written is in doubt.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.WriterAt
	Sync() error
	Close() error
	Stat() (fs.FileInfo, error)
}

// Ops are the system calls on the share, one method each, with names relative to its root. It is the
// seam where tests inject faults (WithHook) and where a simulated share takes the place of a mount.
// Errors wrap a syscall.Errno. Implementations are safe for concurrent use.
type Ops interface {
	Rename(src, dst string) error
	Link(src, dst string) error
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	ReadDir(name string) ([]fs.DirEntry, error) // opens the directory afresh each time
	Mkdir(name string, perm fs.FileMode) error
	Unlink(name string) error
	Rmdir(name string) error
	Lstat(name string) (fs.FileInfo, error)
	SyncDir(name string) error
}

// OS returns the operating system's calls below the directory root.
func OS(root string) Ops { return osOps(root) }

type osOps string

func (o osOps) path(name string) string { return filepath.Join(string(o), name) }

// Rename calls renameat(2) once. os.Rename looks the target up first, which a cache can answer
// wrongly, and repeats the call after EINTR, although the first one may have been done.
func (o osOps) Rename(src, dst string) error {
	src, dst = o.path(src), o.path(dst)
	if err := unix.Renameat(unix.AT_FDCWD, src, unix.AT_FDCWD, dst); err != nil {
		return &os.LinkError{Op: "rename", Old: src, New: dst, Err: err}
	}
	return nil
}

func (o osOps) Link(src, dst string) error {
	src, dst = o.path(src), o.path(dst)
	if err := unix.Linkat(unix.AT_FDCWD, src, unix.AT_FDCWD, dst, 0); err != nil {
		return &os.LinkError{Op: "link", Old: src, New: dst, Err: err}
	}
	return nil
}

// OpenFile sets the mode of a file it creates explicitly, because several users share the share and
// each one's umask would take the group's write permission away.
func (o osOps) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(o.path(name), flag, perm)
	if err != nil {
		return nil, err
	}
	if flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0 {
		_ = f.Chmod(perm) // a server that maps all users to one may refuse; then its own rules hold
	}
	return f, nil
}

func (o osOps) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(o.path(name)) }

// Mkdir sets the mode explicitly for the same reason as OpenFile, and because mkdir(2) ignores setgid.
func (o osOps) Mkdir(name string, perm fs.FileMode) error {
	dir := o.path(name)
	if err := unix.Mkdir(dir, uint32(perm.Perm())); err != nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	_ = os.Chmod(dir, perm)
	return nil
}

func (o osOps) Unlink(name string) error {
	if err := unix.Unlink(o.path(name)); err != nil {
		return &fs.PathError{Op: "unlink", Path: o.path(name), Err: err}
	}
	return nil
}

func (o osOps) Rmdir(name string) error {
	if err := unix.Rmdir(o.path(name)); err != nil {
		return &fs.PathError{Op: "rmdir", Path: o.path(name), Err: err}
	}
	return nil
}

// Lstat asks the server first. An SMB client believes what it knows of a file, all its names included, for as
// long as somebody looks at it every second (actimeo) under one of them. After the first call here it does
// not (statx(2), AT_STATX_FORCE_SYNC), and the second one, which counts, finds a name gone that is gone.
func (o osOps) Lstat(name string) (fs.FileInfo, error) {
	var unused unix.Statx_t
	_ = unix.Statx(unix.AT_FDCWD, o.path(name), unix.AT_SYMLINK_NOFOLLOW|unix.AT_STATX_FORCE_SYNC, unix.STATX_BASIC_STATS, &unused)
	return os.Lstat(o.path(name))
}

func (o osOps) SyncDir(name string) error {
	d, err := os.Open(o.path(name))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
