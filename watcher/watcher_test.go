//go:build linux

package watcher

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

// inbox makes a share with an inbox and returns the inbox's path and a watcher of it.
func inbox(t *testing.T) (string, *Watcher) {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "inbox")
	require.NoError(t, os.Mkdir(dir, 0o755))
	share, err := sharefs.Open(root)
	require.NoError(t, err)
	return dir, New(share, "inbox")
}

func put(t *testing.T, name, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(content), 0o644))
}

func scanAll(t *testing.T, w *Watcher) map[string]File {
	t.Helper()
	files, err := w.Scan(t.Context())
	require.NoError(t, err)
	all := map[string]File{}
	for _, f := range files {
		all[f.Name] = f
	}
	return all
}

func TestStillIsCountedFromTheLastChangeSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, w := inbox(t)
		name := filepath.Join(dir, "a.mkv")
		put(t, name, "1")
		old := time.Now().Add(-time.Hour)
		require.NoError(t, os.Chtimes(name, old, old))
		still := func() time.Duration { return scanAll(t, w)["inbox/a.mkv"].Still }
		require.Zero(t, still(), "an old mtime proves nothing")
		time.Sleep(40 * time.Second)
		require.Equal(t, 40*time.Second, still())

		put(t, name, "12")
		require.NoError(t, os.Chtimes(name, old, old))
		require.Zero(t, still(), "its size changed")
		time.Sleep(20 * time.Second)
		require.NoError(t, os.Chtimes(name, old, old.Add(-time.Second)))
		require.Zero(t, still(), "its mtime changed, if only backwards")
		time.Sleep(20 * time.Second)
		put(t, name+".part", "34")
		require.NoError(t, os.Chtimes(name+".part", old, old.Add(-time.Second)))
		require.NoError(t, os.Rename(name+".part", name))
		require.Zero(t, still(), "another file with the same size and mtime")

		time.Sleep(20 * time.Second)
		require.NoError(t, os.Rename(name, name+".part"))
		require.Zero(t, still())
		require.NoError(t, os.Rename(name+".part", name))
		require.Zero(t, still(), "it was away")
		time.Sleep(20 * time.Second)
		require.Equal(t, 20*time.Second, still())
	})
}

func TestAFailedScanForgetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := t.TempDir()
		put(t, filepath.Join(root, "inbox/sub/a.mkv"), "1")
		var broken error
		share := sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
			if op == "readdir" && name == "inbox/sub" {
				return broken
			}
			return nil
		}))
		w := New(share, "inbox")
		require.Zero(t, scanAll(t, w)["inbox/sub/a.mkv"].Still)
		time.Sleep(time.Minute)
		broken = syscall.EIO
		require.Contains(t, scanAll(t, w)["inbox/sub"].Reason, "can't be listed: input/output error")
		time.Sleep(time.Minute)
		broken = nil
		require.Equal(t, 2*time.Minute, scanAll(t, w)["inbox/sub/a.mkv"].Still)
	})
}

func TestScanFindsWhatPeopleDrop(t *testing.T) {
	dir, w := inbox(t)
	odd := "tablet/x/it's \"\n -%d:[é] \xff.mkv"
	put(t, filepath.Join(dir, "b.mkv"), "12")
	put(t, filepath.Join(dir, odd), "123")
	put(t, filepath.Join(dir, "folder.mkv/inside.mkv"), "")
	for _, name := range []string{
		".hidden", "a.part", "a.CRDOWNLOAD", "a.mkv.tmp", "~a", ".nfs0000001", "Thumbs.db", "@eaDir/a.mkv",
		".staging/a.mkv", "lost+found/x", "a.mkv.distenc.toml", "#recycle/a.mkv", "a.!ut", "tablet/.DS_Store",
	} {
		put(t, filepath.Join(dir, name), "x")
	}
	files, err := w.Scan(t.Context())
	require.NoError(t, err)
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
		require.Empty(t, f.Reason)
		info, err := os.Stat(filepath.Join(dir, strings.TrimPrefix(f.Name, "inbox/")))
		require.NoError(t, err)
		require.Equal(t, info.Size(), f.Size)
		require.True(t, info.ModTime().Equal(f.ModTime))
	}
	require.Equal(t, []string{"inbox/b.mkv", "inbox/folder.mkv/inside.mkv", "inbox/" + odd}, names)
}

func TestWhatIsNoPlainFileIsLeftAlone(t *testing.T) {
	dir, w := inbox(t)
	outside := t.TempDir()
	put(t, filepath.Join(outside, "secret.mkv"), "x")
	require.NoError(t, os.Symlink(filepath.Join(outside, "secret.mkv"), filepath.Join(dir, "link.mkv")))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "folder")))
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "loop")))
	require.NoError(t, os.Symlink("/nowhere", filepath.Join(dir, "dangling.mkv")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "fifo.mkv"), 0o644))
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, "socket.mkv"))
	require.NoError(t, err)
	defer l.Close()
	put(t, filepath.Join(dir, "two.mkv"), "x")
	require.NoError(t, os.Link(filepath.Join(dir, "two.mkv"), filepath.Join(outside, "two.mkv")))

	found := scanAll(t, w)
	for name, reason := range map[string]string{
		"link.mkv": "a symbolic link", "folder": "a symbolic link", "loop": "a symbolic link",
		"dangling.mkv": "a symbolic link", "fifo.mkv": "a FIFO", "socket.mkv": "a socket",
		"two.mkv": "2 names (hard links)",
	} {
		require.Contains(t, found["inbox/"+name].Reason, reason, name)
		require.Equal(t, name == "two.mkv", found["inbox/"+name].Linked)
		delete(found, "inbox/"+name)
	}
	require.Empty(t, found)

	require.NoError(t, os.Remove(filepath.Join(outside, "two.mkv")))
	require.Empty(t, scanAll(t, w)["inbox/two.mkv"].Reason, "it has one name now")
}

func TestWhatCannotBeReadIsReported(t *testing.T) {
	root := t.TempDir()
	put(t, filepath.Join(root, "inbox/closed/a.mkv"), "1")
	put(t, filepath.Join(root, "inbox/b.mkv"), "1")
	put(t, filepath.Join(root, "inbox/c.mkv"), "1")
	put(t, filepath.Join(root, "inbox/gone.mkv"), "1")
	put(t, filepath.Join(root, "inbox/gonedir/a.mkv"), "1")
	faults := map[string]error{ // as root, permissions would not stop us
		"readdir inbox/closed": syscall.EACCES, "readdir inbox/gonedir": syscall.ENOENT,
		"open inbox/b.mkv": syscall.EACCES, "open inbox/gone.mkv": syscall.ENOENT,
	}
	share := sharefs.New(root, sharefstest.WithHook(sharefs.OS(root),
		func(op, name string) error { return faults[op+" "+name] }))
	found := scanAll(t, New(share, "inbox"))
	require.Len(t, found, 3)
	require.Contains(t, found["inbox/closed"].Reason,
		"it can't be listed: permission denied; mend it with: chmod g+rwx,g+s '"+root+"/inbox/closed'")
	require.Contains(t, found["inbox/b.mkv"].Reason,
		"it can't be read: permission denied; mend it with: chmod g+r '"+root+"/inbox/b.mkv'")
	require.Empty(t, found["inbox/c.mkv"].Reason)
}

func TestScanEndsWithItsContextAndWithoutItsFolder(t *testing.T) {
	dir, w := inbox(t)
	put(t, filepath.Join(dir, "a.mkv"), "1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Scan(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, os.RemoveAll(dir))
	_, err = w.Scan(t.Context())
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// A folder so deep that its path is too long for a system call, or one that the disk can't read, keeps nobody
// else waiting. The path is made by walking down, as `cp -r` and file servers can.
func TestOneFolderThatCannotBeListedStopsNobody(t *testing.T) {
	root := t.TempDir()
	put(t, filepath.Join(root, "inbox/z.mkv"), "1")
	put(t, filepath.Join(root, "inbox/bad/a.mkv"), "1")
	here, err := os.Open(filepath.Join(root, "inbox"))
	require.NoError(t, err)
	for range 30 { // 30 × 201 bytes; PATH_MAX is 4096
		folder := strings.Repeat("d", 200)
		require.NoError(t, syscall.Mkdirat(int(here.Fd()), folder, 0o755))
		fd, err := syscall.Openat(int(here.Fd()), folder, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
		require.NoError(t, err)
		require.NoError(t, here.Close())
		here = os.NewFile(uintptr(fd), folder)
	}
	require.NoError(t, here.Close())
	share := sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
		if op == "readdir" && name == "inbox/bad" {
			return syscall.EUCLEAN
		}
		return nil
	}))
	found := scanAll(t, New(share, "inbox"))
	require.Empty(t, found["inbox/z.mkv"].Reason)
	require.Contains(t, found["inbox/bad"].Reason, "structure needs cleaning")
	delete(found, "inbox/z.mkv")
	delete(found, "inbox/bad")
	require.Len(t, found, 1)
	for _, f := range found {
		require.Contains(t, f.Reason, "its path is too long; move it further up")
	}
}

func TestNamesOfWhatIsNotFinished(t *testing.T) {
	for _, name := range []string{
		"film.mkv~", "film.mkv.part", "film.mkv.part-Frag12", "film.mkv.part-Frag12.part", "film.mkv.ytdl", "film.temp.mkv",
		"film.mkv.rsync", ".~tmp~", ".film.mkv.XyZ12a", "film.mkv.!qB", "film.mkv.!ut", "film.mkv.!bt", "film.mkv.bc!",
		"film.mkv.fdmdownload",
		"film.mkv.crdownload", "film.mkv.aria2", "~syncthing~film.mkv.tmp", ".syncthing.film.mkv.tmp", ".film.mkv.~1a2b",
		"film.mkv.ocTransferId123456.part", "film.mkv.partial~", "film.mkv.!sync", "_UNPACK_film",
		"film.mkv.lftp-pget-status",
	} {
		require.True(t, Ignored(name), name)
	}
	for _, name := range []string{"film.mkv", "Part 2.mkv", "The Temp.mkv", "a.b.mkv", "Film~2.mkv", "partial.mp4",
		"film.nfo"} {
		require.False(t, Ignored(name), name)
	}
}

// aria2, lftp and axel write under the final name, at its full size, and keep a note beside it until all is there.
func TestANoteBesideAFileSaysThatItIsNotWhole(t *testing.T) {
	dir, w := inbox(t)
	for _, name := range []string{"a.mkv", "a.mkv.aria2", "b.mkv", "b.mkv.lftp-pget-status", "c.mkv", "c.mkv.st",
		"d.mkv"} {
		put(t, filepath.Join(dir, name), "x")
	}
	found := scanAll(t, w)
	require.Len(t, found, 4)
	for _, name := range []string{"a", "b", "c"} {
		require.Contains(t, found["inbox/"+name+".mkv"].Reason, "still being downloaded")
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "c.mkv.st")))
	require.Empty(t, scanAll(t, w)["inbox/c.mkv"].Reason)
}
