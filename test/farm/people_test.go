//go:build linux

package farm_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// one returns a name on the share that fits a pattern, once there is one.
func (f *farm) one(pattern string) string {
	f.t.Helper()
	var names []string
	f.eventually(pattern, func() bool {
		names, _ = filepath.Glob(filepath.Join(f.dir, pattern))
		return len(names) > 0
	})
	return names[0]
}

// take removes a file, or moves it away, unless a daemon was quicker.
func (f *farm) take(name string) { _ = os.Remove(name) }

// Fault 18: a person removes a claimed chunk, a free one, a result, the output just published and another
// job's whole folder, and copies chunks.
func TestPeopleAtWorkUnderChunks(t *testing.T) {
	t.Parallel()
	f := newFarm(t, shortTerms+fast)
	f.start("master")
	source, other := corpus.Make(t, "h264-open.mkv"), corpus.Make(t, "h264-closed.mkv")
	f.must("add", source)
	pending := f.one("chunks/pending/*/00002.*")
	chunk, err := os.ReadFile(pending)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(strings.Replace(pending, ".a1.", ".a7.", 1), chunk, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(pending), "copy of "+filepath.Base(pending)), chunk, 0o644))
	f.take(f.one("chunks/pending/*/00001.*"))
	release := f.hold()
	worker := f.start("worker", "--slots", "1")
	f.take(f.one("chunks/claimed/*"))
	release()
	worker.stop(t)
	f.must("worker", "--slots", "1", "--max-chunks", "2")
	f.take(f.one("chunks/done/*/*.enc"))
	worker = f.start("worker", "--slots", "1")
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	output := filepath.Join(f.dir, j.Output)
	exact(t, source, output)
	require.NoError(t, os.Remove(output))
	worker.stop(t)

	f.hold()
	f.start("worker", "--slots", "1")
	f.must("add", other)
	f.take(f.one("chunks/claimed/*"))
	f.eventually("the other job", func() bool { return len(f.status().Jobs) == 2 })
	for _, k := range f.status().Jobs {
		if k.ID != j.ID {
			f.eventually("its folder is gone", func() bool { return os.RemoveAll(filepath.Join(f.dir, "jobs", k.ID)) == nil })
		}
	}
	f.nothingLeft()
	require.NoFileExists(t, output, "what a person took is not put back")
	require.FileExists(t, filepath.Join(f.dir, "archive", j.ID, "h264-open.mkv"))
}

// Fault 19: copies that are slow, have their whole size at once, or stand still for longer than the settle
// time, and a second file of the same name.
func TestUnfinishedCopies(t *testing.T) {
	t.Parallel()
	// Many times the pauses below, so that a busy machine does not make them look like the end.
	f := newFarm(t, strings.Replace(calmTerms, `settle = "1s"`, `settle = "6s"`, 1)+
		fast)
	f.start("master")
	jobs := func() int { return len(f.status().Jobs) }
	first, second, third := corpus.Make(t, "h264-open.mkv"), corpus.Make(t, "h264-closed.mkv"),
		corpus.Make(t, "two-frames.mkv")

	slow := f.copyIn(first, "film.mkv", false)
	for range 8 {
		slow(1. / 10)
		time.Sleep(300 * time.Millisecond)
	}
	slow(1)
	f.one("jobs/*/source.mkv")

	again := f.copyIn(second, "film.mkv", true)
	for range 8 {
		again(1. / 10)
		time.Sleep(300 * time.Millisecond)
	}
	again(1)
	f.eventually("the second film of that name is taken", func() bool { return jobs() == 2 })

	stalls := f.copyIn(third, "stalls.mkv", true)
	stalls(1. / 2)
	f.eventually("the half copy is taken or refused", func() bool { return jobs() == 3 || f.refused("stalls.mkv") })
	stalls(1)
	f.start("worker", "--slots", "2")
	f.eventually("two outputs", func() bool {
		outs, _ := filepath.Glob(filepath.Join(f.dir, "outbox", "film*"))
		return len(outs) == 2
	})
	exact(t, first, filepath.Join(f.dir, "outbox", "film.mkv"))
	exact(t, second, filepath.Join(f.dir, "outbox", "film (2).mkv"))
	if f.refused("stalls.mkv") { // it was no video while it stood still
		f.must("retry", "stalls.mkv")
	}
	exact(t, third, f.one("outbox/stalls*.mkv"))
	f.nothingLeft()
}

func (f *farm) refused(name string) bool {
	_, err := os.Stat(filepath.Join(f.dir, "failed", name, pipeline.ReasonName))
	return err == nil
}

// copyIn begins a copy into the inbox. What it returns writes on: that part of the whole, or all the rest (1).
func (f *farm) copyIn(source, name string, wholeSize bool) func(part float64) {
	f.t.Helper()
	b, err := os.ReadFile(source)
	require.NoError(f.t, err)
	dst, err := os.Create(filepath.Join(f.dir, "inbox", name))
	require.NoError(f.t, err)
	if wholeSize {
		require.NoError(f.t, dst.Truncate(int64(len(b))))
	}
	at := 0
	return func(part float64) {
		n := int(part * float64(len(b)))
		if part == 1 {
			n = len(b) - at
		}
		_, err := dst.WriteAt(b[at:at+n], int64(at))
		require.NoError(f.t, err, fmt.Sprint(name, " at ", at))
		if at += n; part == 1 {
			require.NoError(f.t, dst.Close())
		}
	}
}
