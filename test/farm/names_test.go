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

// copyTo copies a file, making its folder.
func copyTo(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o775))
	require.NoError(t, os.WriteFile(to, b, 0o664))
}

// A name of 255 bytes, as long as one can be, works in every command, with settings of its own beside it.
func TestNamesAsLongAsCanBe(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	name := strings.Repeat("é", 125) + "x.mkv"
	require.Len(t, name, 255)
	source := filepath.Join(f.dir, "..", name)
	copyTo(t, corpus.Make(t, "two-frames.mkv"), source)
	f.must("add", source, "--priority", "2")
	require.FileExists(t, filepath.Join(f.dir, "inbox", name))
	f.must("pause", name)
	f.must("priority", name, "7")
	require.Contains(t, f.must("status", name), "its job will be paused, priority 7")
	f.must("cancel", name)
	require.NoFileExists(t, filepath.Join(f.dir, "inbox", name))
	f.must("retry", "failed/"+name)
	require.Contains(t, f.must("status", name), "priority 7", "its settings came along")
	f.must("resume", name)
	f.start("run", "--slots", "1")
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	require.Equal(t, 7, j.Priority)
	require.FileExists(t, filepath.Join(f.dir, "outbox", name))
	f.eventually("the source in the archive", func() bool {
		_, err := os.Stat(filepath.Join(f.dir, "archive", j.ID, name))
		return err == nil
	})
	left, err := os.ReadDir(filepath.Join(f.dir, "inbox"))
	require.NoError(t, err)
	require.Empty(t, left)

	f.must("encode", source, "-o", filepath.Join(f.dir, "..", "out-"+name[:200]+".mkv"), "--", "--preset", "ultrafast")
	require.Contains(t, f.must("encode", source, "--", "--preset", "ultrafast"), " (2).mkv")
}

// `add` of what lies in the inbox already says that it is whole, and copies nothing.
func TestAddOfWhatLiesInTheInboxHurriesItOn(t *testing.T) {
	t.Parallel()
	f := newFarm(t, strings.Replace(calmTerms, `settle = "1s"`, `settle = "10h"`, 1)+
		fast)
	there := filepath.Join(f.dir, "inbox", "tablet", "film.mkv")
	copyTo(t, corpus.Make(t, "two-frames.mkv"), there)
	require.NoError(t, os.WriteFile(there+".distenc.toml", []byte("priority = 3\n"), 0o664))
	f.start("run", "--slots", "1")
	require.Contains(t, f.must("add", there, "--wait"), filepath.Join(f.dir, "outbox", "tablet", "film.mkv"))
	jobs := f.status().Jobs
	require.Len(t, jobs, 1)
	require.Equal(t, 3, jobs[0].Priority, "what was asked of it before still counts")
	require.NoFileExists(t, there)
}

// Joiners, without which emoji and some scripts read otherwise, are kept; what turns the direction of a text is
// shown escaped.
func TestNamesAreShownAsTheyAre(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms)
	joined, turned := "👩\u200d💻 نامه\u200cای.mkv", "gpj\u202evkm.mkv"
	for _, name := range []string{joined, turned} {
		require.NoError(t, os.WriteFile(filepath.Join(f.dir, "..", name), []byte("no film"), 0o664))
		said := f.must("add", filepath.Join(f.dir, "..", name))
		require.NotContains(t, said, "\u202e")
	}
	shown := f.must("status")
	require.Contains(t, shown, joined)
	require.Contains(t, shown, "gpj%E2%80%AEvkm.mkv")
	require.NotContains(t, shown, "\u202e")
	require.NotContains(t, f.fails(1, "pause", "gone\u202e.mkv"), "\u202e")
	require.NotContains(t, f.fails(3, "run", "--until-idle"), "\u202e")
	require.NotContains(t, f.must("status"), "\u202e")
	require.NotContains(t, f.must("status", "--json"), "\u202e")
}
