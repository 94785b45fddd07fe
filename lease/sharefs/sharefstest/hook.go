package sharefstest

import (
	"errors"
	"io/fs"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// Hook is called before every operation on the share, in tests. op is one of rename, link, open,
// readdir, mkdir, unlink, rmdir, lstat, syncdir, chtimes, and on an open file read, write, sync, close, fstat;
// name is the share-relative name, for rename and link "src -> dst". An error fails the operation
// before it is done; AnswerLost makes it be done and then fail. A hook may be called concurrently.
type Hook func(op, name string) error

type answerLost struct{ error }

func (a answerLost) Unwrap() error { return a.error }

// AnswerLost wraps what a Hook returns: the operation is done, and its caller gets err.
func AnswerLost(err error) error { return answerLost{err} }

// WithHook returns ops with hook called before each operation.
func WithHook(ops sharefs.Ops, hook Hook) sharefs.Ops { return hooked{ops, hook} }

type hooked struct {
	ops  sharefs.Ops
	hook Hook
}

func (h Hook) run(op, name string, do func() error) error {
	err := h(op, name)
	if err == nil {
		return do()
	}
	var lost answerLost
	if errors.As(err, &lost) {
		_ = do()
		return lost.error
	}
	return err
}

func (h hooked) Rename(src, dst string) error {
	return h.hook.run("rename", src+" -> "+dst, func() error { return h.ops.Rename(src, dst) })
}

func (h hooked) Link(src, dst string) error {
	return h.hook.run("link", src+" -> "+dst, func() error { return h.ops.Link(src, dst) })
}

func (h hooked) OpenFile(name string, flag int, perm fs.FileMode) (f sharefs.File, err error) {
	err = h.hook.run("open", name, func() error {
		f, err = h.ops.OpenFile(name, flag, perm)
		return err
	})
	if err != nil {
		if f != nil {
			_ = f.Close() // opened, perhaps created, but the caller never hears of it
		}
		return nil, err
	}
	return hookedFile{f, h.hook, name}, nil
}

func (h hooked) ReadDir(name string) (entries []fs.DirEntry, err error) {
	err = h.hook.run("readdir", name, func() error {
		entries, err = h.ops.ReadDir(name)
		return err
	})
	return entries, err
}

func (h hooked) Mkdir(name string, perm fs.FileMode) error {
	return h.hook.run("mkdir", name, func() error { return h.ops.Mkdir(name, perm) })
}

func (h hooked) Unlink(name string) error {
	return h.hook.run("unlink", name, func() error { return h.ops.Unlink(name) })
}

func (h hooked) Rmdir(name string) error {
	return h.hook.run("rmdir", name, func() error { return h.ops.Rmdir(name) })
}

func (h hooked) Lstat(name string) (info fs.FileInfo, err error) {
	err = h.hook.run("lstat", name, func() error {
		info, err = h.ops.Lstat(name)
		return err
	})
	return info, err
}

func (h hooked) SyncDir(name string) error {
	return h.hook.run("syncdir", name, func() error { return h.ops.SyncDir(name) })
}

func (h hooked) Chtimes(name string, mtime time.Time) error {
	return h.hook.run("chtimes", name, func() error { return h.ops.Chtimes(name, mtime) })
}

type hookedFile struct {
	sharefs.File
	hook Hook
	name string
}

func (f hookedFile) count(op string, do func() (int, error)) (n int, err error) {
	err = f.hook.run(op, f.name, func() error {
		n, err = do()
		return err
	})
	return n, err
}

func (f hookedFile) Read(b []byte) (int, error) {
	return f.count("read", func() (int, error) { return f.File.Read(b) })
}

func (f hookedFile) ReadAt(b []byte, off int64) (int, error) {
	return f.count("read", func() (int, error) { return f.File.ReadAt(b, off) })
}

func (f hookedFile) Write(b []byte) (int, error) {
	return f.count("write", func() (int, error) { return f.File.Write(b) })
}

func (f hookedFile) WriteAt(b []byte, off int64) (int, error) {
	return f.count("write", func() (int, error) { return f.File.WriteAt(b, off) })
}

func (f hookedFile) Sync() error { return f.hook.run("sync", f.name, f.File.Sync) }

// Close always closes the file: close(2) frees the descriptor whatever it answers.
func (f hookedFile) Close() error {
	err := f.File.Close()
	if hookErr := f.hook.run("close", f.name, func() error { return err }); hookErr != nil {
		return hookErr
	}
	return err
}

func (f hookedFile) Stat() (info fs.FileInfo, err error) {
	err = f.hook.run("fstat", f.name, func() error {
		info, err = f.File.Stat()
		return err
	})
	return info, err
}
