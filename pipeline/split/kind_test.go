package split_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/split"
	"github.com/distenc/distenc/test/corpus"
)

// unindexed is a copy of a film as it comes through a pipe: whoever writes it can't go back to name an index.
func unindexed(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-map", "0", "-c", "copy", "-f", "matroska",
		"pipe:1").Output()
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "unindexed.mkv")
	require.NoError(t, os.WriteFile(name, out, 0o600))
	return name
}

func TestAnIndexIsFoundWhereItIs(t *testing.T) {
	film := corpus.Make(t, "h264-closed.mkv")
	front := filepath.Join(t.TempDir(), "front.mkv")
	require.NoError(t, exec.Command("ffmpeg", "-v", "error", "-i", film, "-c", "copy", "-cues_to_front", "1",
		"-reserve_index_space", "4096", front).Run())
	for path, want := range map[string]bool{film: true, front: true, unindexed(t, film): false} {
		indexed, err := media.Indexed(path)
		require.NoError(t, err)
		require.Equal(t, want, indexed, path)
	}
	_, err := media.Indexed(filepath.Join(t.TempDir(), "missing.mkv"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestTheCheaperKindIsChosen where people leave it open, and nowhere else.
func TestTheCheaperKindIsChosen(t *testing.T) {
	film := corpus.Make(t, "h264-closed.mkv")
	bare := unindexed(t, film)
	crowd := func(string) int { return 200 }
	for name, c := range map[string]struct {
		path   string
		pieces pipeline.Pieces
		slots  func(string) int
		kind   pipeline.Kind
		note   string
	}{
		"auto":                    {film, "auto", nil, "range", "The chunks are ranges of the source"},
		"auto, no index":          {bare, "auto", nil, "mkv", "The chunks are pieces of the source: it has no index"},
		"auto, no index, a crowd": {bare, "auto", crowd, "mkv", "The chunks are pieces of the source: it has no index"},
		"copy":                    {film, "copy", nil, "mkv", ""},
		"copy, a crowd":           {film, "copy", crowd, "range", "200 encodes can run side by side"},
		"copy, no index, a crowd": {bare, "copy", crowd, "mkv", ""},
		"range, no index":         {bare, "range", nil, "range", ""},
	} {
		t.Run(name, func(t *testing.T) {
			req := request(t, c.path)
			req.Settings.Pieces, req.Slots = c.pieces, c.slots
			plan, err := split.Make(t.Context(), tools(t), req)
			require.NoError(t, err)
			require.Greater(t, len(plan.Chunks), 1)
			require.Equal(t, c.kind, plan.Chunks[0].Kind)
			require.NotEqual(t, pipeline.AutoPieces, plan.Settings.Pieces, "a plan has what was chosen")
			if c.note == "" {
				require.Empty(t, plan.Notes)
				return
			}
			require.Len(t, plan.Notes, 1)
			require.Contains(t, plan.Notes[0], c.note)
		})
	}
}

func TestAChoiceIsNotMadeForOneChunk(t *testing.T) {
	req := request(t, unindexed(t, corpus.Make(t, "h264-closed.mkv")))
	req.Settings.Pieces, req.Settings.Chunk = "auto", 3600
	plan, err := split.Make(t.Context(), tools(t), req)
	require.NoError(t, err)
	require.Len(t, plan.Chunks, 1)
	require.Equal(t, []string{"The film is one chunk, which is read where it lies."}, plan.Notes)
}
