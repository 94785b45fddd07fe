package merge

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

// Whether mkvextract has to be asked for a track's tags is told by mkvmerge -J: all that is not of the coding counts.
func TestTagsThatAreKeptAreSeen(t *testing.T) {
	tools, err := media.Find(nil)
	require.NoError(t, err)
	source := corpus.Make(t, "two-frames.mkv")
	for tags, kept := range map[string]bool{
		simple("ENCODER", "x"): false, simple("bps", "1") + simple("ENCODER", "x"): false,
		simple("DIRECTOR", "x"): true, simple("ENCODER", "x") + simple("DIRECTOR", "y"): true,
		simple("ALPHA MODE", "1"):                              true, // which is another name than ALPHA_MODE
		simple("ENCODER", "x") + simple("ENCODER", "y"):        true, // the second one might be anything
		"<Simple><Name>X</Name><Binary>QQ==</Binary></Simple>": true,
	} {
		dir := t.TempDir()
		xml, path := filepath.Join(dir, "tags.xml"), filepath.Join(dir, "tagged.mkv")
		text := "<Tags><Tag><Targets><TrackUID>1</TrackUID></Targets>" + tags + "</Tag></Tags>"
		require.NoError(t, os.WriteFile(xml, []byte(text), 0o600))
		out, err := exec.Command("mkvmerge", "-q", "-o", path, "--disable-track-statistics-tags", "--no-track-tags", "--tags",
			"0:"+xml, source).CombinedOutput()
		require.NoError(t, err, "%s", out)
		s, err := identify(t.Context(), tools, path)
		require.NoError(t, err)
		seen := slices.ContainsFunc(s.tracks, s.keepsTags)
		all, err := readXML(t.Context(), tools, path, "tags")
		require.NoError(t, err)
		if !seen {
			require.Nil(t, tagsOf(all, s.tracks[s.at].text("uid")), tags)
		}
		require.Equal(t, kept, seen, tags)
	}
}

func simple(name, value string) string {
	return "<Simple><Name>" + name + "</Name><String>" + value + "</String></Simple>"
}
