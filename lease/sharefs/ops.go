package sharefs

import (
	"io"
	"io/fs"
	"path/filepath"
	"time"
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
	Chtimes(name string, mtime time.Time) error
}

// OS returns the operating system's calls below the directory root. Links above it may be followed, once: here.
func OS(root string) Ops {
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	return newOps(root)
}
