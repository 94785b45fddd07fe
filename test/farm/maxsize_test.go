//go:build linux

package farm_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/test/corpus"
)

// limits are profiles whose outputs may not be larger than their sources: of one they are far larger, of one they are
// to be, of the third they are far smaller.
const limits = `
[profiles.large]
x264 = "--preset ultrafast --crf 4"
max_size = "95%"
[profiles.asked]
x264 = "--preset ultrafast"
size = "1GB"
max_size = "95%"
[profiles.small]
x264 = "--preset ultrafast --crf 30"
max_size = "95%"
`

// skipped waits for a job that is skipped, and checks that the film came out as it was, once.
func (f *farm) skipped(source, profile string) pipeline.JobStatus {
	f.t.Helper()
	var found pipeline.JobStatus
	f.eventually("the film is skipped", func() bool {
		for _, j := range f.status().Jobs {
			require.NotEqual(f.t, pipeline.JobFailed, j.State, j.Error)
			if j.Profile == profile && j.State.HasOutput() && j.Closed {
				found = j
			}
		}
		return found.ID != ""
	})
	require.Equal(f.t, pipeline.Skipped, found.State)
	require.Contains(f.t, found.Skipped, "max_size is 95%")
	want, err := os.ReadFile(source)
	require.NoError(f.t, err)
	got, err := os.ReadFile(filepath.Join(f.dir, found.Output))
	require.NoError(f.t, err)
	require.Equal(f.t, want, got, "the source itself, unchanged")
	require.Equal(f.t, found.Size, found.OutputSize)
	entries, err := os.ReadDir(filepath.Join(f.dir, filepath.Dir(found.Output)))
	require.NoError(f.t, err)
	films := 0
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".mkv" {
			films++
		}
	}
	require.Equal(f.t, 1, films, entries)
	return found
}

// certificate is what the farm says of a job's output.
func (f *farm) certificate(job string) (c merge.Certificate) {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, "jobs", job, "certificate.json"))
	require.NoError(f.t, err)
	require.NoError(f.t, json.Unmarshal(b, &c))
	return c
}

// A film that would grow comes out as it is, long before all of it is encoded, with what lies beside it; one that
// shrinks is encoded as ever. What is saved by that is counted.
func TestAFilmThatWouldGrowIsSkipped(t *testing.T) {
	t.Parallel()
	long, short := corpus.Film(t, 60), corpus.Film(t, 3)
	told := filepath.Join(t.TempDir(), "told")
	hook := filepath.Join(t.TempDir(), "hook")
	require.NoError(t, os.WriteFile(hook, []byte("#!/bin/sh\ncat >> '"+told+"'\n"), 0o755))
	f := newFarm(t, calmTerms+limits)
	own := filepath.Join(t.TempDir(), "own.toml")
	require.NoError(t, os.WriteFile(own, []byte("share = \""+f.dir+"\"\n[hooks]\ndone = [\""+hook+"\"]\n"), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Join(f.dir, "inbox", "large"), 0o775))
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "inbox", "large", "film.en.srt"), []byte("subtitles"), 0o664))
	f.drop(long, "large/film.mkv")
	f.start("run", "--slots", "2", "--config", own)
	j := f.skipped(long, "large")
	require.Equal(t, "outbox/large/film.mkv", j.Output)
	require.FileExists(t, filepath.Join(f.dir, "outbox", "large", "film.en.srt"))
	cert := f.certificate(j.ID)
	require.Equal(t, j.Skipped, cert.Skipped)
	require.Less(t, len(cert.Chunks), 24, "of 30 chunks and more")
	t.Logf("%d chunks were encoded: %s", len(cert.Chunks), j.Skipped)
	out, err := os.Stat(filepath.Join(f.dir, j.Output))
	require.NoError(t, err)
	source, err := os.Stat(filepath.Join(f.dir, "archive", j.ID, "film.mkv"))
	require.NoError(t, err)
	require.True(t, os.SameFile(out, source), "a link")
	report, err := os.ReadFile(filepath.Join(f.dir, "jobs", j.ID, "report.txt"))
	require.NoError(t, err)
	require.Contains(t, string(report), "skipped: "+j.Skipped)
	require.Zero(t, f.status().Saved)
	f.nothingLeft()
	until(t, "the hook", func() bool {
		b, _ := os.ReadFile(told)
		var st pipeline.JobStatus
		return json.Unmarshal(b, &st) == nil && st.State == pipeline.Skipped && st.Skipped == j.Skipped
	})
	require.Contains(t, f.fails(1, "retry", j.ID), "is skipped")

	f.drop(long, "small/film.mkv")
	f.eventually("the small one is done", func() bool { return len(f.done()) == 1 })
	small := f.done()[0]
	require.Equal(t, small.Size-small.OutputSize, f.status().Saved)
	require.Positive(t, f.status().Saved)
	require.Contains(t, f.must("status"), "saved")
	exact(t, long, filepath.Join(f.dir, small.Output))

	require.NoError(t, os.Remove(filepath.Join(f.dir, "outbox", "large", "film.mkv")))
	require.NoError(t, os.RemoveAll(filepath.Join(f.dir, "jobs", j.ID)))
	f.drop(short, "large/short.mkv") // too short for a sample: it shows when all is encoded
	f.skipped(short, "large")
}

// Whenever a master dies over it, there is one outcome.
func TestASkippedFilmOutlivesItsMasters(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"out/*", "decision", "published"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			f := newFarm(t, shortTerms+limits)
			source := corpus.Film(t, 30)
			f.drop(source, "large/film.mkv")
			f.start("worker", "--slots", "1")
			m := f.start("master")
			until(t, step, func() bool {
				found, _ := filepath.Glob(filepath.Join(f.dir, "jobs", "*", step))
				late, _ := filepath.Glob(filepath.Join(f.dir, "jobs", "*", "published")) // the step was too short to be seen
				return len(found)+len(late) > 0
			})
			m.kill()
			f.start("master")
			j := f.skipped(source, "large")
			require.FileExists(t, filepath.Join(f.dir, "archive", j.ID, "film.mkv"))
			f.nothingLeft()
		})
	}
}

// Without a share nothing has to be published: the film is where it was, and stays so.
func TestEncodeLeavesAFilmThatWouldGrow(t *testing.T) {
	t.Parallel()
	f, dir := &farm{t: t}, t.TempDir()
	source := filepath.Join(dir, "film.mkv")
	b, err := os.ReadFile(corpus.Film(t, 3))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(source, b, 0o640))
	conf := filepath.Join(t.TempDir(), "distenc.toml")
	require.NoError(t, os.WriteFile(conf, []byte(limits), 0o644))
	for _, larger := range [][]string{{"--profile", "large"}, {"--profile", "asked"}} {
		said := f.must(append(larger, "--config", conf, "encode", source, "-o", filepath.Join(dir, "out.mkv"))...)
		require.Equal(t, source+"\n", said)
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 1)
	}
	info, err := os.Stat(source)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode())
}
