package merge

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// What mkvtoolnix does not read of a damaged source is left to ffmpeg; trouble of the machine decides nothing.
func TestChaptersThatAreNotRead(t *testing.T) {
	src := fansub(t, t.TempDir())
	f, set := probe(t, src), pipeline.Settings{Container: containerMP4}
	for name, c := range map[string]struct{ script, want string }{
		"read":    {`exec mkvextract "$@"`, "chapters keep times and first names; MP4 holds neither"},
		"damaged": {`echo "Error: this is damaged"; exit 2`, "chapters keep the times and names that ffmpeg finds"},
		"no XML":  {`echo "<Chapters>"`, "chapters keep the times and names that ffmpeg finds"},
		"nothing": {`exit 0`, "chapters keep the times and names that ffmpeg finds"},
		"trouble": {`echo "Error: Input/output error" >&2; exit 2`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tools := findTools(t)
			tools.MKVExtract = filepath.Join(t.TempDir(), "mkvextract")
			require.NoError(t, os.WriteFile(tools.MKVExtract, []byte("#!/bin/sh\n"+c.script+"\n"), 0o755))
			notes, err := Limits(t.Context(), tools, src, f, set)
			if c.want == "" {
				require.True(t, sharefs.Undecided(err), "%v", err)
				return
			}
			require.NoError(t, err)
			require.Contains(t, notes[len(notes)-1], c.want)
		})
	}
}
