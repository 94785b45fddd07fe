package farm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// long is when people made the films of these tests.
var long = time.Date(2019, 5, 4, 3, 2, 1, 0, time.UTC)

// dropDated is drop of a film with a date, and with what lies beside it.
func (f *farm) dropDated(source, name string) {
	f.t.Helper()
	b, err := os.ReadFile(source)
	require.NoError(f.t, err)
	dst := filepath.Join(f.dir, "inbox", name)
	require.NoError(f.t, os.MkdirAll(filepath.Dir(dst), 0o775))
	staged := filepath.Join(f.dir, "staged")
	require.NoError(f.t, os.WriteFile(staged, b, 0o644))
	require.NoError(f.t, os.Chtimes(staged, long, long))
	require.NoError(f.t, os.Rename(staged, dst))
}

func dated(t *testing.T, name string) time.Time {
	t.Helper()
	info, err := os.Stat(name)
	require.NoError(t, err)
	return info.ModTime().UTC()
}

// A job's name and date are those that were wanted when it was taken in, whichever master publishes it. Nobody ever
// sees the output without its date, and what has its name already stays.
func TestNamesAndDatesOfOutputs(t *testing.T) {
	t.Parallel()
	const wanted = "name = \"{stem} [{codec} {height}p]\"\ndates = \"keep\"\n"
	f := newFarm(t, calmTerms+fast+wanted)
	release := f.hold()
	first := f.start("master")
	source := tagged(t, corpus.Make(t, "h264-open.mkv"))
	name := filepath.Base(source)
	f.dropDated(source, "series/"+name)
	f.dropDated(corpus.Make(t, "two-frames.mkv"), "series/"+strings.TrimSuffix(name, ".mkv")+".nfo")
	f.start("worker", "--slots", "1")
	f.one("chunks/claimed/*")
	first.kill()
	text, err := os.ReadFile(filepath.Join(f.dir, "distenc.toml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "distenc.toml"),
		[]byte(strings.Replace(string(text), wanted, "name = \"other {stem}\"\n", 1)), 0o644))

	seen := make(chan time.Time, 1)
	go func() {
		for t.Context().Err() == nil {
			if all, _ := filepath.Glob(filepath.Join(f.dir, "outbox/series/*.mkv")); len(all) > 0 {
				if info, err := os.Stat(all[0]); err == nil {
					seen <- info.ModTime().UTC()
					return
				}
			}
		}
	}()
	f.start("master")
	f.eventually("the second master", func() bool { return f.status().Master != nil })
	release()
	j := f.job(pipeline.Done)
	require.Equal(t, long, <-seen)
	output := filepath.Join(f.dir, j.Output)
	require.Regexp(t, `^Show - 01 \[[0-9A-F]{8}\] \[h264 \d+p\]\.mkv$`, filepath.Base(output))
	ownTag(t, output)
	require.Equal(t, long, dated(t, output))
	require.Equal(t, filepath.Base(output), f.certificate(j.ID).Output.Name)
	nfo := strings.TrimSuffix(output, ".mkv") + ".nfo"
	f.eventually("what lay beside it", func() bool { _, err := os.Stat(nfo); return err == nil })
	require.Equal(t, long, dated(t, nfo))

	f.must("add", "--again", "--name", "{stem} [{crc}]", "--dates", "new", corpus.Make(t, "one-frame.mkv"))
	f.eventually("the second film", func() bool { return len(f.done()) == 2 })
	for _, d := range f.done() {
		if d.ID != j.ID {
			require.Regexp(t, `^outbox/one-frame \[[0-9A-F]{8}\]\.mkv$`, d.Output)
			ownTag(t, filepath.Join(f.dir, d.Output))
			require.WithinDuration(t, time.Now(), dated(t, filepath.Join(f.dir, d.Output)), time.Hour)
		}
	}
	require.Contains(t, f.fails(2, "add", "--name", "{banana}", source), "name there is no {banana}; there are {stem}")
}

// One machine's encode and add heed both too, and a file system that refuses dates costs no film.
func TestNamesAndDatesOfOneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	film := filepath.Join(dir, "film.mkv")
	b, err := os.ReadFile(corpus.Make(t, "two-frames.mkv"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(film, b, 0o644))
	require.NoError(t, os.Chtimes(film, long, long))
	f := newFarm(t, calmTerms+fast)
	args := []string{"encode", film, "--name", "{stem} {encoder}"}
	require.Contains(t, f.fails(2, args...), "there is no {encoder}")
	args = []string{"encode", film, "--name", "{stem} [{codec}]", "--dates", "keep", "--encoder", "x265",
		"--", "--preset", "ultrafast"}
	for _, want := range []string{"film [hevc].mkv", "film [hevc] (2).mkv"} {
		out := strings.TrimSpace(f.must(args...))
		require.Equal(t, filepath.Join(dir, want), out)
		require.Equal(t, long, dated(t, out))
	}

	f.must("add", film, "--dates", "keep")
	staged := filepath.Join(f.dir, "inbox/film.mkv")
	require.Equal(t, long, dated(t, staged), "a copy that is to keep its date has it")
	f.must("add", corpus.Make(t, "one-frame.mkv"))
	require.WithinDuration(t, time.Now(), dated(t, filepath.Join(f.dir, "inbox/one-frame.mkv")), time.Hour)

	strace, err := exec.LookPath("strace")
	inject := []string{"-f", "-o", os.DevNull, "-e", "trace=utimensat", "-e", "inject=utimensat:error=EPERM"}
	if err != nil || exec.Command(strace, append(inject, "/bin/true")...).Run() != nil {
		t.Skip("strace can't run here: nobody refuses a date")
	}
	cmd := f.command(args...)
	cmd.Args, cmd.Path = append(append([]string{strace}, inject...), cmd.Args...), strace
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	require.NoError(t, err, said.String())
	require.Equal(t, filepath.Join(dir, "film [hevc] (3).mkv"), strings.TrimSpace(string(out)))
	require.Contains(t, said.String(), "note: The output does not have its source's date: cannot set the date of ")
	require.Contains(t, said.String(), "operation not permitted")
	require.NotEqual(t, long, dated(t, strings.TrimSpace(string(out))))
}
