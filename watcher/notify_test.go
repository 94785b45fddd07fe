//go:build linux

package watcher

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds a wait that ends early when all is well.
const patience = 20 * time.Second

func awaken(t *testing.T, wake <-chan struct{}) {
	t.Helper()
	select {
	case <-wake:
	case <-time.After(patience):
		require.Fail(t, "not woken")
	}
}

func TestNotifyWakesForNewNamesAlsoInNewFolders(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "there/before"), 0o755))
	ctx, cancel := context.WithCancel(t.Context())
	wake := Notify(ctx, slog.New(slog.DiscardHandler), dir)
	put(t, filepath.Join(dir, "a.mkv"), "1")
	awaken(t, wake)
	put(t, filepath.Join(dir, "there/before/b.mkv"), "1")
	awaken(t, wake)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "new"), 0o755))
	awaken(t, wake)
	require.NoError(t, os.Mkdir(filepath.Join(dir, ".staging"), 0o755))
	put(t, filepath.Join(dir, ".staging/c.mkv"), "1")
	require.NoError(t, os.Rename(filepath.Join(dir, ".staging/c.mkv"), filepath.Join(dir, "new/c.mkv")))
	awaken(t, wake)
	cancel()
}

// What is not finished wakes nobody: its event comes before that of the file that does, and the one
// value that is there afterwards is for that one.
func TestNotifyIsSilentAboutIgnoredNamesAndWrites(t *testing.T) {
	n := &notifier{log: slog.New(slog.DiscardHandler), wake: make(chan struct{}, 1)}
	for _, e := range []fsnotify.Event{
		{Name: "/x/a.mkv.part", Op: fsnotify.Create}, {Name: "/x/.a", Op: fsnotify.Create},
		{Name: "/x/a.mkv", Op: fsnotify.Write}, {Name: "/x/a.mkv", Op: fsnotify.Chmod}, {Name: "/x/a.mkv",
			Op: fsnotify.Remove},
	} {
		n.handle(e)
		require.Empty(t, n.wake)
	}
}

func TestNotifyWatchesAgainWhatVanished(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "inbox")
	var log bytes.Buffer
	n := &notifier{log: slog.New(slog.NewTextHandler(&log, nil)), dirs: []string{dir}, wake: make(chan struct{}, 1)}
	var err error
	n.watches, err = fsnotify.NewWatcher()
	require.NoError(t, err)
	defer n.watches.Close()
	n.watchAll()
	require.Empty(t, n.watches.WatchList())
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub/sub"), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(dir, ".git"), 0o755))
	require.NoError(t, os.Symlink("/", filepath.Join(dir, "link")))
	n.watchAll()
	n.watchAll()
	require.ElementsMatch(t, []string{dir, dir + "/sub", dir + "/sub/sub"}, n.watches.WatchList())
	require.Empty(t, log.String())
}

func TestNotifyWithoutWatchesSaysSoOnceAndGoesOn(t *testing.T) {
	var log bytes.Buffer
	n := &notifier{log: slog.New(slog.NewTextHandler(&log, nil)), dirs: []string{t.TempDir(), t.TempDir()}}
	var err error
	n.watches, err = fsnotify.NewWatcher()
	require.NoError(t, err)
	require.NoError(t, n.watches.Close()) // every Add fails from now on
	n.watchAll()
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("\n")), log.String())
	require.Contains(t, log.String(), "found by scanning")
}
