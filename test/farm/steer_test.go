//go:build linux

package farm_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// A paused job hands back what runs, at once; resumed, it goes on.
func TestPauseNowAndResume(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	f.start("master")
	release := f.hold()
	f.start("worker", "--slots", "2")
	source := corpus.Make(t, "hi10p-fansub.mkv")
	f.must("add", source)
	f.one("chunks/claimed/*")
	f.must("pause", "--now", "hi10p")
	f.eventually("nothing runs", func() bool { s := f.status(); return s.Jobs[0].Paused && s.Jobs[0].Chunks.Claimed == 0 })
	done := f.status().Jobs[0].Chunks.Done
	require.Less(t, done, f.status().Jobs[0].Chunks.Total)
	f.must("resume", "hi10p")
	release()
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	exact(t, source, filepath.Join(f.dir, j.Output))
	reports, err := filepath.Glob(filepath.Join(f.dir, "jobs", j.ID, "log", "*"))
	require.NoError(t, err)
	asked := func(name string) bool { return strings.HasPrefix(filepath.Base(name), "asked.") }
	reports = slices.DeleteFunc(reports, asked) // what people asked is no report of an encode
	require.Empty(t, reports, "handing back is no failure")
}

// A cancelled job's source is in failed/, where `retry` finds it again.
func TestCancelAndRetry(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	f.start("master")
	f.hold()
	w := f.start("worker", "--slots", "1")
	source := corpus.Make(t, "hi10p-fansub.mkv")
	f.must("add", source)
	f.one("chunks/claimed/*")
	f.must("cancel", f.status().Jobs[0].ID)
	f.job(pipeline.Cancelled)
	kept := filepath.Join(f.dir, "failed", "hi10p-fansub.mkv", "hi10p-fansub.mkv")
	f.eventually("the source in failed/", func() bool { _, err := os.Stat(kept); return err == nil })
	f.nothingLeft()
	require.Contains(t, f.fails(1, "cancel", "hi10p"), "has ended")
	w.stop(t)
	f.must("retry", "hi10p")
	require.NoFileExists(t, kept)
	f.eventually("a second job", func() bool { return len(f.status().Jobs) == 2 })
}

// A job with a higher priority is claimed first, though it came later.
func TestPriority(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	f.start("master")
	f.must("add", corpus.Make(t, "h264-closed.mkv"))
	f.must("add", corpus.Make(t, "h264-open.mkv"))
	f.eventually("both are cut", func() bool {
		s := f.status()
		return len(s.Jobs) == 2 && s.Jobs[0].State == pipeline.Splitting == false && s.Jobs[1].Chunks.Total > 0 &&
			s.Jobs[1].State == pipeline.InWork
	})
	f.must("priority", "h264-open", "5")
	f.must("worker", "--slots", "1", "--max-chunks", "2")
	f.eventually("two chunks done", func() bool {
		s := f.status()
		return s.Jobs[1].Chunks.Done == 2 && s.Jobs[1].Priority == 5 && s.Jobs[0].Chunks.Done == 0
	})
}

// hold lets no encode end that processes begin which are started from now on, until the returned function is called.
// Then they are as usual, as are those that are started later.
func (f *farm) hold() (release func()) {
	return f.holdFFmpeg(`*-progress*) '%[1]s' "$@"; code=$?; ` +
		`while [ -e '%[2]s' ]; do echo progress=continue; sleep 0.1; done; exit $code`)
}

// holdFFmpeg has an arm of a shell's case, of ffmpeg's arguments, decide what ffmpeg does. %[1]s is the real one there,
// and %[2]s a file that stands until release is called.
func (f *farm) holdFFmpeg(arm string) (release func()) {
	f.t.Helper()
	real, err := exec.LookPath("ffmpeg")
	require.NoError(f.t, err)
	dir := f.t.TempDir()
	held := filepath.Join(dir, "held")
	script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in "+arm+";; esac\nexec '%[1]s' \"$@\"\n", real, held)
	require.NoError(f.t, os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte(script), 0o755))
	require.NoError(f.t, os.WriteFile(held, nil, 0o644))
	f.env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
	return func() {
		f.env = nil
		require.NoError(f.t, os.Remove(held))
	}
}

// brokenFFmpeg makes a folder with an ffmpeg that encodes no chunk while the file broken is there.
func brokenFFmpeg(t *testing.T) (dir, broken string) {
	t.Helper()
	real, err := exec.LookPath("ffmpeg")
	require.NoError(t, err)
	dir = t.TempDir()
	broken = filepath.Join(dir, "broken")
	script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *-progress*) [ -e '%s' ] && { echo 'this chunk is poison' >&2; "+
		"exit 1; };; esac\nexec '%s' \"$@\"\n", broken, real)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte(script), 0o755))
	require.NoError(t, os.WriteFile(broken, nil, 0o644))
	return dir, broken
}

// Fault 17: a chunk that fails everywhere is set aside, the next job goes on, nobody rests, and `retry`
// works once the cause is mended.
func TestPoisonChunkIsSetAside(t *testing.T) {
	t.Parallel()
	dir, broken := brokenFFmpeg(t)
	f := newFarm(t, calmTerms+fast)
	f.env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
	f.start("run", "--slots", "1")
	source := corpus.Make(t, "two-frames.mkv")
	f.must("add", source)
	j := f.job(pipeline.JobFailed)
	require.Contains(t, j.Error, "poison")
	require.Equal(t, 1, j.Chunks.Failed)
	require.False(t, j.Decided)
	require.NoError(t, os.Remove(broken))
	other := corpus.Make(t, "one-frame.mkv")
	f.must("add", "--wait", other)
	f.must("retry", j.ID)
	done := f.job(pipeline.Done)
	f.eventually("both done", func() bool {
		for _, k := range f.status().Jobs {
			if k.State != pipeline.Done {
				return false
			}
			done = k
		}
		return true
	})
	exact(t, other, filepath.Join(f.dir, done.Output))
	f.nothingLeft()
}

// What a person asked for with `add` is kept through cancel and retry.
func TestRetryKeepsTheSettings(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+slow)
	f.start("master")
	f.must("add", corpus.Make(t, "two-frames.mkv"), "--", "--preset", "ultrafast", "--crf", "33")
	f.eventually("a plan", func() bool { s := f.status(); return len(s.Jobs) == 1 && s.Jobs[0].Chunks.Total > 0 })
	first := f.status().Jobs[0].ID
	f.must("cancel", first)
	f.eventually("it has ended", func() bool {
		_, err := os.Stat(filepath.Join(f.dir, "jobs", first, "closed"))
		return err == nil
	})
	f.must("retry", first)
	f.eventually("a second job", func() bool { return len(f.status().Jobs) == 2 })
	for _, j := range f.status().Jobs {
		b, err := os.ReadFile(filepath.Join(f.dir, "jobs", j.ID, "job.json"))
		require.NoError(t, err)
		require.Contains(t, string(b), "--preset ultrafast --crf 33", j.ID)
	}
}
