package encode_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// Each encoder tells its version and its headers with a picture that ffmpeg makes, the same ones again each time.
func TestEachEncoderTellsWhichBuildItIs(t *testing.T) {
	tools, err := media.Find(nil)
	require.NoError(t, err)
	listing, err := tools.Encoders(t.Context())
	require.NoError(t, err)
	missing := encoder.Missing(listing)
	for _, e := range encoder.All() {
		t.Run(e.Name(), func(t *testing.T) {
			seen := map[encode.Trial]bool{}
			for _, format := range []string{"yuv420p", "yuv420p10le"} {
				for range 2 {
					trial, err := encode.Try(t.Context(), tools, e.Name(), format)
					require.NoError(t, err)
					require.NotContains(t, trial.Version, "without")
					require.Len(t, trial.Headers, 64)
					seen[trial] = true
				}
			}
			require.Len(t, seen, 2, "headers of each depth: %v", seen)
			_, err := encode.Try(t.Context(), tools, e.Name(), "yuv419p")
			require.True(t, media.Blames(err), "%v", err)
		})
	}
	require.Empty(t, missing)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	_, err = encode.Try(stopped, tools, encoder.All()[0].Name(), "yuv420p")
	require.ErrorIs(t, err, context.Canceled)
}
