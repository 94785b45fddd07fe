package media_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

// What one process tells of a film is what two tell. Of a film that is not as plain it tells nothing.
func TestOneLookTellsWhatTwoDo(t *testing.T) {
	tools, err := media.Find(nil)
	require.NoError(t, err)
	for name, plain := range map[string]bool{
		"h264-open.mkv": true, "hevc-open.mkv": true, "two-frames.mkv": true, "odd-size.mkv": true, "truncated.mkv": true,
		"vfr.mkv": false, "bframes.mp4": false, "hi10p-fansub.mkv": false, "av1.mkv": false, "not-a-video.mkv": false,
	} {
		path := corpus.Make(t, name)
		f, head, ok := tools.Look(t.Context(), path)
		require.Equal(t, plain, ok, name)
		if !ok {
			continue
		}
		want, err := tools.Probe(t.Context(), path)
		require.NoError(t, err)
		require.Equal(t, want, f, name)
		wantHead, err := tools.Head(t.Context(), path, media.FirstVideo, media.HeadPackets)
		require.NoError(t, err)
		require.Equal(t, wantHead, head, name)
	}
}
