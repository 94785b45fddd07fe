package master

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// What people do to a share while a master is at it must cost nobody a file.

const someJob = "abcdef01-k3f9z"

// leading returns a master at the beginning of its term, on a share of its own.
func leading(t *testing.T, ops func(root string) sharefs.Ops) *Master {
	t.Helper()
	root := t.TempDir()
	m := New(Options{
		FS: sharefs.New(root, ops(root)), Node: "host-maaaaa", Log: slog.New(slog.DiscardHandler), Poll: time.Second,
		Terms: lease.Terms{Heartbeat: time.Second, Expiry: time.Minute},
	})
	for _, dir := range pipeline.Folders() {
		require.NoError(t, m.FS.MkdirAll(dir))
	}
	m.jobs, m.closed, m.known, m.late = map[string]*job{}, map[string]bool{}, newIndex(), map[string]*lateJob{}
	m.taking, m.told, m.dead, m.dropped = map[string]bool{}, map[string]bool{}, map[string]*still{}, map[string]*dropped{}
	return m
}

func TestTheSweepGoesThroughNoLink(t *testing.T) {
	m := leading(t, sharefs.OS)
	home := t.TempDir()
	precious := filepath.Join(home, "precious")
	require.NoError(t, os.WriteFile(precious, nil, 0o600))
	links := []string{pipeline.PendingOf(someJob), pipeline.DoneOf(someJob), pipeline.SetAsideOf(someJob), pipeline.OutOf(someJob)}
	require.NoError(t, m.FS.MkdirAll(pipeline.JobDir(someJob)))
	for _, link := range links {
		require.NoError(t, os.Symlink(home, m.FS.Path(link)))
	}
	_, err := pipeline.Look(m.FS)
	require.NoError(t, err, "one link stops nobody else's job")
	require.NoError(t, m.sweep(someJob))
	require.FileExists(t, precious)
	for _, link := range links {
		require.NoFileExists(t, m.FS.Path(link))
	}
}
