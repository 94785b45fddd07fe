package conformance_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/conformance"
)

// broken is a share with one thing that it does wrong.
type broken struct {
	sharefs.Ops
	rename func(src, dst string) error
	link   func(src, dst string) error
	open   func(name string, flag int, perm fs.FileMode) (sharefs.File, error)
	list   func(name string) ([]fs.DirEntry, error)
	sync   func(name string) error
	mkdir  func(name string, perm fs.FileMode) error
}

func (b *broken) Rename(src, dst string) error {
	if b.rename != nil {
		return b.rename(src, dst)
	}
	return b.Ops.Rename(src, dst)
}

func (b *broken) Link(src, dst string) error {
	if b.link != nil {
		return b.link(src, dst)
	}
	return b.Ops.Link(src, dst)
}

func (b *broken) OpenFile(name string, flag int, perm fs.FileMode) (sharefs.File, error) {
	if b.open != nil {
		return b.open(name, flag, perm)
	}
	return b.Ops.OpenFile(name, flag, perm)
}

func (b *broken) ReadDir(name string) ([]fs.DirEntry, error) {
	if b.list != nil {
		return b.list(name)
	}
	return b.Ops.ReadDir(name)
}

func (b *broken) SyncDir(name string) error {
	if b.sync != nil {
		return b.sync(name)
	}
	return b.Ops.SyncDir(name)
}

func (b *broken) Mkdir(name string, perm fs.FileMode) error {
	if b.mkdir != nil {
		return b.mkdir(name, perm)
	}
	return b.Ops.Mkdir(name, perm)
}

func TestBrokenShares(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func(b *broken, root string)
		check  string
	}{
		"a rename is told and not done": {func(b *broken, _ string) {
			b.rename = func(string, string) error { return nil }
		}, "rename"},
		"a rename leaves the old name": {func(b *broken, root string) {
			b.rename = func(src, dst string) error {
				data, _ := os.ReadFile(filepath.Join(root, src))
				return os.WriteFile(filepath.Join(root, dst), data, 0o644)
			}
		}, "rename"},
		"no links": {func(b *broken, _ string) {
			b.link = func(string, string) error { return syscall.EPERM }
		}, "link"},
		"a link replaces": {func(b *broken, root string) {
			b.link = func(src, dst string) error {
				_ = os.Remove(filepath.Join(root, dst))
				return os.Link(filepath.Join(root, src), filepath.Join(root, dst))
			}
		}, "link"},
		"a link is a copy": {func(b *broken, root string) {
			b.link = func(src, dst string) error {
				data, _ := os.ReadFile(filepath.Join(root, src))
				if _, err := os.Stat(filepath.Join(root, dst)); err == nil {
					return syscall.EEXIST
				}
				return os.WriteFile(filepath.Join(root, dst), data, 0o644)
			}
		}, "link"},
		"O_EXCL is ignored": {func(b *broken, _ string) {
			b.open = func(name string, flag int, perm fs.FileMode) (sharefs.File, error) {
				return b.Ops.OpenFile(name, flag&^os.O_EXCL, perm)
			}
		}, "O_EXCL"},
		"a listing is stale": {func(b *broken, _ string) {
			last := map[string][]fs.DirEntry{}
			b.list = func(name string) ([]fs.DirEntry, error) {
				old := last[name]
				var err error
				last[name], err = b.Ops.ReadDir(name)
				return old, err
			}
		}, "listing"},
		"an overwrite makes another file": {func(b *broken, root string) {
			b.open = func(name string, flag int, perm fs.FileMode) (sharefs.File, error) {
				if flag&(os.O_WRONLY|os.O_CREATE) == os.O_WRONLY {
					before := filepath.Join(root, name)
					if data, err := os.ReadFile(before); err == nil {
						_ = os.WriteFile(before+"2", data, 0o644) // before the other is gone: another inode
						_ = os.Rename(before+"2", before)
					}
				}
				return b.Ops.OpenFile(name, flag, perm)
			}
		}, "overwrite"},
		"a replacement is told and not done": {func(b *broken, _ string) {
			b.rename = func(string, string) error { return nil }
		}, "replace"},
		"a folder is made twice": {func(b *broken, _ string) {
			b.mkdir = func(name string, perm fs.FileMode) error {
				_ = b.Ops.Mkdir(name, perm)
				return nil
			}
		}, "mkdir"},
		"an open file can't be moved": {func(b *broken, _ string) {
			opened := map[string]bool{}
			b.open = func(name string, flag int, perm fs.FileMode) (sharefs.File, error) {
				opened[name] = flag&(os.O_WRONLY|os.O_RDWR) == 0
				return b.Ops.OpenFile(name, flag, perm)
			}
			b.rename = func(src, dst string) error {
				if opened[src] {
					return syscall.EBUSY
				}
				return b.Ops.Rename(src, dst)
			}
		}, "in use"},
		"an fsync fails": {func(b *broken, _ string) {
			b.sync = func(string) error { return syscall.EIO }
		}, "fsync"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			b := &broken{Ops: sharefs.OS(root)}
			share := sharefs.New(root, b)
			require.NoError(t, share.MkdirAll("d"))
			i := slices.IndexFunc(conformance.Checks, func(check conformance.Check) bool { return check.Name == c.check })
			check := conformance.Checks[i]
			fine := check.Try(share, "d")
			require.False(t, fine.Broken, fine.Seen)
			c.breaks(b, root)
			require.NoError(t, share.MkdirAll("e"))
			f := check.Try(share, "e")
			require.True(t, f.Broken, f.Seen)
			require.NotEmpty(t, f.Why)
			require.NotEmpty(t, f.Do)
		})
	}
}
