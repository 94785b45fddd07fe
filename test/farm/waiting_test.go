//go:build linux

package farm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// What is asked of a file before any master has taken it in counts for its job.
func TestSteeringWhatWaits(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	source := corpus.Make(t, "two-frames.mkv")
	f.must("add", source, "--priority", "2")
	require.Contains(t, f.must("status", "two-frames"), "whole, until it is its turn, priority 2")
	require.Contains(t, f.must("pause", "two-frames"), "distenc resume")
	f.must("priority", "two-frames", "-5", "--share", f.dir)
	require.Contains(t, f.must("status", "two-frames"), "priority -5")
	f.must("priority", "two-frames", "7")
	require.Contains(t, f.must("status", "two-frames"), "whole, until it is its turn, its job will be paused, priority 7")
	require.Contains(t, f.fails(2, "priority", "two-frames", "7000"), "a priority must be from -1000 to 1000, is 7000")

	kept := filepath.Join(f.dir, "failed", "two-frames.mkv", "two-frames.mkv")
	require.Contains(t, f.must("cancel", "inbox/two-frames.mkv"), filepath.Dir(kept))
	require.FileExists(t, kept)
	require.Contains(t, f.must("status", "two-frames"), "before it was taken in")
	require.Contains(t, f.fails(1, "pause", "two-frames"), "is no job: `distenc retry")
	f.must("retry", "two-frames")
	require.NoDirExists(t, filepath.Dir(kept))
	require.Contains(t, f.must("status", "two-frames"), "priority 7", "its settings came along")

	f.start("run", "--slots", "1")
	f.eventually("a paused job", func() bool {
		s := f.status()
		return len(s.Jobs) == 1 && s.Jobs[0].Paused && s.Jobs[0].Priority == 7 && s.Jobs[0].Chunks.Pending == 1
	})
	f.must("resume", "two-frames")
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	require.Contains(t, f.fails(1, "pause", "two-frames"), "has ended: it is done")
	require.Equal(t, filepath.Join(f.dir, "outbox/two-frames.mkv"), lastLine(f.must("add", source, "--wait")),
		"a second time is no failure")
}

// A file that was refused goes back to where it was dropped, overwriting nothing.
func TestRetryOfARefusedFile(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+"[profiles.default]\nx264 = \"--preset ultrafast\"\n[profiles.tablet]\ncontainer = "+
		"\"mp4\"\n")
	master := f.start("master")
	dropped := filepath.Join(f.dir, "inbox", "tablet", "film.mkv")
	require.NoError(t, os.MkdirAll(filepath.Dir(dropped), 0o755))
	require.NoError(t, os.WriteFile(dropped, []byte("no film yet"), 0o644))
	require.NoError(t, os.WriteFile(dropped+".distenc.toml", []byte("priority = 3\n"), 0o644))
	f.eventually("a refusal", func() bool { return len(f.status().Rejected) == 1 })
	require.Contains(t, f.must("status", "film"), "not a video")
	master.stop(t)
	b, err := os.ReadFile(corpus.Make(t, "two-frames.mkv"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "failed", "film.mkv", "film.mkv"), b, 0o644)) // mended
	require.NoError(t, os.WriteFile(dropped, []byte("another"), 0o644))

	require.Contains(t, f.must("retry", "failed/film.mkv"), filepath.Join(f.dir, "inbox", "tablet", "film (2).mkv"))
	other, err := os.ReadFile(dropped)
	require.NoError(t, err)
	require.Equal(t, "another", string(other))
	require.NoDirExists(t, filepath.Join(f.dir, "failed", "film.mkv"))
	require.NoError(t, os.Remove(dropped))
	f.start("run", "--slots", "1")
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, "outbox/tablet/film (2).mp4", j.Output)
	require.Equal(t, 3, j.Priority)
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
