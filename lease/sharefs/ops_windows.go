package sharefs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

// osOps take no name that leads out of root, and follow no symbolic link and no junction below it: anybody may plant
// one where a folder of the share is expected. They open everything so that others may still read, write, rename and
// remove it, as POSIX has it; the os package forbids the last two.
type osOps struct{ root string }

func newOps(root string) osOps { return osOps{root} }

// plainOnly is nothing here: no open follows a link or waits for a reader.
const plainOnly = 0

func (o osOps) path(name string) string { return filepath.Join(o.root, name) }

// Rename replaces what is there, as rename(2) does; no name that is moved to is ever used twice. MOVEFILE_WRITE_THROUGH
// would add nothing: it is for moves that are a copy.
func (o osOps) Rename(src, dst string) error {
	return o.two("rename", src, dst, func(src, dst *uint16) error {
		return patiently(func() error { return windows.MoveFileEx(src, dst, windows.MOVEFILE_REPLACE_EXISTING) },
			windows.ERROR_SHARING_VIOLATION,
			windows.ERROR_ACCESS_DENIED) // also: what would be replaced is open
	})
}

func (o osOps) Link(src, dst string) error {
	return o.two("link", src, dst, func(src, dst *uint16) error { return windows.CreateHardLink(dst, src, 0) })
}

func (o osOps) two(op, src, dst string, call func(src, dst *uint16) error) error {
	from, err := o.native(src)
	if err == nil {
		var to *uint16
		if to, err = o.native(dst); err == nil {
			err = call(from, to)
		}
	}
	if err != nil {
		return &os.LinkError{Op: op, Old: o.path(src), New: o.path(dst), Err: reachable(err)}
	}
	return nil
}

// OpenFile has no mode to set: a file gets the rights that its folder hands on.
func (o osOps) OpenFile(name string, flag int, _ fs.FileMode) (File, error) {
	access := uint32(windows.GENERIC_READ)
	switch flag & (os.O_WRONLY | os.O_RDWR) {
	case os.O_WRONLY:
		access = windows.GENERIC_WRITE
	case os.O_RDWR:
		access |= windows.GENERIC_WRITE
	}
	create := uint32(windows.OPEN_EXISTING)
	switch {
	case flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		create = windows.CREATE_NEW
	case flag&os.O_CREATE != 0:
		create = windows.OPEN_ALWAYS
	}
	f, err := o.plain(name, access, create)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// ReadDir opens the folder afresh.
func (o osOps) ReadDir(name string) ([]fs.DirEntry, error) {
	d, err := o.plain(name, windows.FILE_LIST_DIRECTORY, windows.OPEN_EXISTING)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	if !d.info.dir() {
		return nil, &fs.PathError{Op: "readdir", Path: o.path(name), Err: syscall.ENOTDIR}
	}
	entries, err := d.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

func (o osOps) Mkdir(name string, _ fs.FileMode) error {
	return o.one("mkdir", name, func(path *uint16) error { return windows.CreateDirectory(path, nil) })
}

// Unlink removes a link to a folder too, and never what is behind it. A file that is open stays listed on SMB until it
// is closed, and can't be opened meanwhile.
func (o osOps) Unlink(name string) error {
	return o.one("unlink", name, func(path *uint16) error {
		remove := func() error { return windows.DeleteFile(path) }
		err := patiently(remove, windows.ERROR_SHARING_VIOLATION)
		switch {
		case !errors.Is(err, windows.ERROR_ACCESS_DENIED):
			return err
		case isLink(path):
			return windows.RemoveDirectory(path)
		case writable(path):
			return remove()
		}
		return err
	})
}

// writable takes away the attribute that keeps a file from being removed, as os.Remove does. False if it was not there.
func writable(path *uint16) bool {
	attributes, err := windows.GetFileAttributes(path)
	return err == nil && attributes&windows.FILE_ATTRIBUTE_READONLY != 0 &&
		windows.SetFileAttributes(path, attributes&^windows.FILE_ATTRIBUTE_READONLY) == nil
}

func (o osOps) Rmdir(name string) error {
	return o.one("rmdir", name, func(path *uint16) error {
		if isLink(path) {
			return syscall.ENOTDIR
		}
		return patiently(func() error { return windows.RemoveDirectory(path) }, windows.ERROR_SHARING_VIOLATION)
	})
}

func (o osOps) one(op, name string, call func(path *uint16) error) error {
	path, err := o.native(name)
	if err == nil {
		err = call(path)
	}
	if err != nil {
		return &fs.PathError{Op: op, Path: o.path(name), Err: reachable(err)}
	}
	return nil
}

// Lstat opens what is there, a link itself, for nothing but its attributes.
func (o osOps) Lstat(name string) (fs.FileInfo, error) {
	f, err := o.open("lstat", name, windows.FILE_READ_ATTRIBUTES, windows.OPEN_EXISTING,
		windows.FILE_FLAG_OPEN_REPARSE_POINT)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return f.Stat()
}

// Chtimes sets the time of the last write, of a link itself.
func (o osOps) Chtimes(name string, mtime time.Time) error {
	f, err := o.open("chtimes", name, windows.FILE_WRITE_ATTRIBUTES, windows.OPEN_EXISTING,
		windows.FILE_FLAG_OPEN_REPARSE_POINT)
	if err != nil {
		return err
	}
	at := windows.NsecToFiletime(mtime.UnixNano())
	if err = windows.SetFileTime(windows.Handle(f.Fd()), nil, nil, &at); err != nil {
		err = &fs.PathError{Op: "chtimes", Path: o.path(name), Err: err}
	}
	return errors.Join(err, f.Close())
}

// SyncDir has nothing to do: FlushFileBuffers takes no folder. What Durable is made of here is the flush of the file.
func (o osOps) SyncDir(name string) error {
	if !validName(name) {
		return &fs.PathError{Op: "syncdir", Path: o.path(name), Err: ErrName}
	}
	return nil
}

// Some other program, an indexer or a virus scanner, may have opened a file for a moment so that nobody else can.
const (
	patience = 10 * time.Millisecond // before the first repetition; each next one is twice as long
	patient  = 5                     // repetitions, 0.3 s in all
)

// patiently repeats a call that was refused, and so not done.
func patiently(call func() error, refusals ...error) error {
	err := call()
	for i := 0; i < patient && slices.ContainsFunc(refusals, func(r error) bool { return errors.Is(err, r) }); i++ {
		time.Sleep(patience << i)
		err = call()
	}
	return err
}

// reachable gives a server that can't be found another error: for Go ERROR_BAD_NETPATH is fs.ErrNotExist, and a file
// must not count as gone for it.
func reachable(err error) error {
	if errors.Is(err, windows.ERROR_BAD_NETPATH) {
		return windows.ERROR_HOST_UNREACHABLE
	}
	return err
}
