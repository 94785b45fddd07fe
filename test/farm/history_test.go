//go:build linux

package farm_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/history"
	"github.com/distenc/distenc/test/corpus"
)

// counted waits until that many films are in the history.
func (f *farm) counted(films int) {
	f.t.Helper()
	f.eventually("the history has what came out, once", func() bool {
		return f.status().History.All.Films == int64(films)
	})
	require.Empty(f.t, f.status().History.Trouble)
}

// What was encoded stays known when the job's folder, its output and its source are gone; the same film again is
// another one.
func TestTheHistoryStays(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	told := func() (h history.History) {
		require.NoError(t, json.Unmarshal([]byte(f.must("status", "--history", "--json")), &h))
		require.Empty(t, h.Trouble)
		return h
	}
	require.Zero(t, told().All)
	film := corpus.Make(t, "h264-open.mkv")
	source, err := os.Stat(film)
	require.NoError(t, err)
	for n := int64(1); n <= 2; n++ {
		f.drop(film, "film.mkv")
		f.must("run", "--slots", "1", "--until-idle")
		j := f.status().Jobs[0]
		require.Equal(t, pipeline.Done, j.State)
		h := told()
		require.Equal(t, n, h.All.Films)
		require.Equal(t, n*source.Size(), h.All.Source)
		require.Equal(t, n*j.OutputSize, h.All.Output)
		require.Equal(t, n*int64(j.Frames.Total), h.All.Frames)
		require.Positive(t, h.All.Seconds)
		require.Len(t, h.Nodes, 1)
		require.Equal(t, h.All.Frames, h.Nodes[0].Frames, "all of them on this host")
		require.Positive(t, h.Nodes[0].FPS)
		for _, dir := range []string{pipeline.Jobs, pipeline.Outbox, pipeline.Archive} { // as people tidy up
			entries, err := os.ReadDir(filepath.Join(f.dir, dir))
			require.NoError(t, err)
			for _, e := range entries {
				require.NoError(t, os.RemoveAll(filepath.Join(f.dir, dir, e.Name())))
			}
		}
		require.Equal(t, h.All, told().All)
		require.Empty(t, f.status().Jobs)
	}
	require.Regexp(t, `(?m)^last 30 days +2 `, f.must("status", "--history"))
	require.Contains(t, f.fails(2, "status", "--history", "film"), "neither JOB nor --all")
}
