package sharefs

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/windows"
)

// native returns the path of a name for a system call, once no folder on the way to it is a link. Somebody could still
// put one there before the call. A handle to the folder would not help: on SMB the client sends the whole path for a
// name below a handle too.
func (o osOps) native(name string) (*uint16, error) {
	if !validName(name) {
		return nil, ErrName
	}
	name = path.Clean(name)
	for i, c := range name {
		if c != '/' {
			continue
		}
		way, err := o.verbatim(name[:i])
		if err != nil {
			return nil, err
		}
		if err := folder(way); err != nil {
			return nil, err
		}
	}
	return o.verbatim(name)
}

// folder is an error unless a folder is there, and no link to one.
func folder(path *uint16) error {
	attributes, err := windows.GetFileAttributes(path)
	switch {
	case err != nil:
		return err
	case attributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0:
		return syscall.ELOOP
	case attributes&windows.FILE_ATTRIBUTE_DIRECTORY == 0:
		return syscall.ENOTDIR
	}
	return nil
}

func isLink(path *uint16) bool { return folder(path) == syscall.ELOOP }

// verbatim is a path that Windows takes as it is: longer than 260 characters, and without any part taken for a device
// or losing its end ("Naming Files, Paths, and Namespaces").
func (o osOps) verbatim(name string) (*uint16, error) {
	full := filepath.Join(o.root, name)
	switch {
	case strings.HasPrefix(full, `\\?\`):
	case strings.HasPrefix(full, `\\`):
		full = `\\?\UNC` + full[1:]
	default:
		full = `\\?\` + full
	}
	return windows.UTF16PtrFromString(full)
}

// file is what was opened. What it was then is known from a look that every open takes.
type file struct {
	*os.File
	info   info
	writes bool
}

// Sync passes over a file that is only read: FlushFileBuffers wants the right to write.
func (f *file) Sync() error {
	if !f.writes {
		return nil
	}
	return f.File.Sync()
}

// Stat looks again.
func (f *file) Stat() (fs.FileInfo, error) {
	return describe(windows.Handle(f.Fd()), f.info.name)
}

// plain opens a file or a folder; a link is ELOOP.
func (o osOps) plain(name string, access, create uint32) (*file, error) {
	f, err := o.open("open", name, access, create, windows.FILE_FLAG_OPEN_REPARSE_POINT)
	if err != nil || f.info.tag == 0 {
		return f, err
	}
	_ = f.Close() // nothing was done with it
	if f.info.link() {
		return nil, &fs.PathError{Op: "open", Path: o.path(name), Err: syscall.ELOOP}
	}
	return o.open("open", name, access, windows.OPEN_EXISTING, 0) // a file that is stored in some other way
}

// open opens what is there. With FILE_FLAG_OPEN_REPARSE_POINT that is a link itself.
func (o osOps) open(op, name string, access, create, flags uint32) (*file, error) {
	full, err := o.native(name)
	var h windows.Handle
	if err == nil {
		err = patiently(func() error {
			h, err = openHandle(full, access, create, flags)
			return err
		}, windows.ERROR_SHARING_VIOLATION)
	}
	var i info
	if err == nil {
		if i, err = describe(h, path.Base(name)); err != nil {
			_ = windows.CloseHandle(h)
		}
	}
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: o.path(name), Err: reachable(err)}
	}
	return &file{os.NewFile(uintptr(h), o.path(name)), i, access&windows.GENERIC_WRITE != 0}, nil
}

// openHandle opens so that anybody may do anything with the file meanwhile. A folder needs FILE_FLAG_BACKUP_SEMANTICS.
func openHandle(path *uint16, access, create, flags uint32) (windows.Handle, error) {
	return windows.CreateFile(path, access,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE,
		nil, create, windows.FILE_ATTRIBUTE_NORMAL|windows.FILE_FLAG_BACKUP_SEMANTICS|flags, 0)
}
