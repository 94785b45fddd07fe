package sharefs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
// seam where tests inject faults (sharefstest.WithHook) and where a simulated share takes the place of a mount.
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

// OS returns the operating system's calls below the directory root. Links above it may be followed, once: here.
func OS(root string) Ops {
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	return osOps{root: root, openat2: hasOpenat2(root)}
}

// osOps take no name that leads out of root, and follow no symbolic link below it: anybody may plant one where a folder
// of the share is expected.
type osOps struct {
	root    string
	openat2 bool
}

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

func (o osOps) one(op, name string, call func(dir int, base string) error) error {
	if err := o.in(name, call); err != nil {
		return &fs.PathError{Op: op, Path: o.path(name), Err: err}
	}
	return nil
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

func (o osOps) SyncDir(name string) error {
	d, err := o.open(name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
