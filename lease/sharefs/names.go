package sharefs

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// ErrName is the error for a name that does not lie below the share's root.
var ErrName = errors.New("not a name on the share")

func validName(name string) bool {
	return name != "" && name[0] != '/' && !strings.ContainsRune(name, 0) &&
		!slices.Contains(strings.Split(name, "/"), "..")
}

// temporary returns a name beside name that nobody has used or will use. The suffix is one that
// watchers of folders skip. A name that is as long as can be loses its end.
func temporary(name string) string {
	dir, base := path.Split(name)
	return dir + base[:min(len(base), nameMax-len(".1234567890.tmp"))] + "." + rand.Text()[:10] + ".tmp"
}

// nameMax is the longest name that a file system takes, in bytes: NAME_MAX, limits.h(0p).
const nameMax = 255

// checked refuses names that would lead out of the share, whatever Ops are behind it.
type checked struct{ ops Ops }

func check(op string, names ...string) error {
	for _, name := range names {
		if !validName(name) {
			return &fs.PathError{Op: op, Path: name, Err: ErrName}
		}
	}
	return nil
}

func (c checked) Rename(src, dst string) error {
	if err := check("rename", src, dst); err != nil {
		return err
	}
	return c.ops.Rename(src, dst)
}

func (c checked) Link(src, dst string) error {
	if err := check("link", src, dst); err != nil {
		return err
	}
	return c.ops.Link(src, dst)
}

func (c checked) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	if err := check("open", name); err != nil {
		return nil, err
	}
	return c.ops.OpenFile(name, flag, perm)
}

func (c checked) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := check("readdir", name); err != nil {
		return nil, err
	}
	return c.ops.ReadDir(name)
}

func (c checked) Mkdir(name string, perm fs.FileMode) error {
	if err := check("mkdir", name); err != nil {
		return err
	}
	return c.ops.Mkdir(name, perm)
}

func (c checked) Unlink(name string) error {
	if err := check("unlink", name); err != nil {
		return err
	}
	return c.ops.Unlink(name)
}

func (c checked) Rmdir(name string) error {
	if err := check("rmdir", name); err != nil {
		return err
	}
	return c.ops.Rmdir(name)
}

func (c checked) Lstat(name string) (fs.FileInfo, error) {
	if err := check("lstat", name); err != nil {
		return nil, err
	}
	return c.ops.Lstat(name)
}

func (c checked) SyncDir(name string) error {
	if err := check("syncdir", name); err != nil {
		return err
	}
	return c.ops.SyncDir(name)
}
