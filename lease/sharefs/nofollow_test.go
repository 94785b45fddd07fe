package sharefs

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever can write to the share can put a link to any folder where one of ours is expected, and what is done to
// the files in ours must never be done to the ones behind it.
func TestNoCallFollowsALink(t *testing.T) {
	for name, link := range links {
		t.Run(name, func(t *testing.T) {
			home, root := t.TempDir(), t.TempDir()
			precious := filepath.Join(home, "precious")
			require.NoError(t, os.WriteFile(precious, []byte("mine"), 0o600))
			require.NoError(t, os.Mkdir(filepath.Join(home, "folder"), 0o700))
			share := New(root, link.ops(root))
			require.NoError(t, share.Create("own", []byte("ours")))
			mustLink(t, link.make, home, filepath.Join(root, "link"))
			mustLink(t, os.Symlink, precious, filepath.Join(root, "file"))

			_, err := share.List("link")
			require.Error(t, err)
			_, err = share.Read("link/precious", 100)
			require.Error(t, err)
			_, err = share.Read("file", 100)
			require.ErrorIs(t, err, ErrNotRegular)
			_, err = share.ops.Lstat("link/precious")
			require.Error(t, err)
			require.Error(t, share.Remove("link/precious"))
			require.Error(t, share.RemoveDir("link/folder"))
			require.Error(t, share.Overwrite("link/precious", []byte("your")))
			require.Error(t, share.Create("link/new", nil))
			require.Error(t, share.Replace("link/precious", nil))
			_, err = share.Mkdir("link/made")
			require.Error(t, err)
			_, err = share.Move(t.Context(), "link/precious", "stolen")
			require.Error(t, err)
			_, err = share.MoveOnce(t.Context(), "own", "link/precious")
			require.Error(t, err)
			_, err = share.Publish("own", "link/linked")
			require.Error(t, err)
			require.Error(t, share.Durable("link/precious"))

			left, err := os.ReadDir(home)
			require.NoError(t, err)
			require.Len(t, left, 2)
			b, err := os.ReadFile(precious)
			require.NoError(t, err)
			require.Equal(t, "mine", string(b))

			require.NoError(t, share.Remove("link"), "the link itself is a name like any other")
			require.NoError(t, share.Remove("file"))
			names, err := share.List(".")
			require.NoError(t, err)
			require.Equal(t, []string{"own"}, names)
		})
	}
}

// linkTest is a kind of link to a folder, and those who must not follow it.
type linkTest struct {
	ops  func(root string) Ops
	make func(target, link string) error
}

// mustLink skips the test where no links can be made: Windows lets administrators make them, and wine only says that it
// does.
func mustLink(t *testing.T, link func(target, link string) error, target, name string) {
	t.Helper()
	err := link(target, name)
	if _, made := os.Lstat(name); err != nil || made != nil {
		require.Equal(t, "windows", runtime.GOOS, err)
		t.Skip("no links can be made here")
	}
}

// The share itself may be reached through a link: that is its owner's affair.
func TestTheWayToTheShareMayBeALink(t *testing.T) {
	link := filepath.Join(t.TempDir(), "share")
	mustLink(t, os.Symlink, t.TempDir(), link)
	share, err := Open(link)
	require.NoError(t, err)
	require.NoError(t, share.MkdirAll("a/b"))
	require.NoError(t, share.Create("a/b/c", []byte("x")))
	_, err = share.Move(t.Context(), "a/b/c", "a/d")
	require.NoError(t, err)
}

// No operating system's call is made with a name that leads out of the root, whichever it is.
func TestNoCallLeadsOut(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	require.NoError(t, os.Mkdir(root, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "../x"), nil, 0o644))
	for _, link := range links {
		ops := link.ops(root)
		for name, call := range map[string]func(name string) error{
			"rename from": func(name string) error { return ops.Rename(name, "y") },
			"rename to":   func(name string) error { return ops.Rename("y", name) },
			"link from":   func(name string) error { return ops.Link(name, "y") },
			"link to":     func(name string) error { return ops.Link("y", name) },
			"open":        func(name string) error { _, err := ops.OpenFile(name, os.O_RDONLY, 0); return err },
			"readdir":     func(name string) error { _, err := ops.ReadDir(name); return err },
			"mkdir":       func(name string) error { return ops.Mkdir(name, 0o755) },
			"unlink":      ops.Unlink,
			"rmdir":       ops.Rmdir,
			"lstat":       func(name string) error { _, err := ops.Lstat(name); return err },
			"syncdir":     ops.SyncDir,
		} {
			for _, out := range []string{"", "/etc", "..", "../x", "a/../../x", "a/..", "x\x00y"} {
				require.ErrorIs(t, call(out), ErrName, "%s %q", name, out)
			}
		}
	}
	require.FileExists(t, filepath.Join(root, "../x"))
}
