package encode_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
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
			seen := map[encode.Tried]bool{}
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

// A master whose ffmpeg lacks an encoder does not say that of the film.
func TestAnEncoderThatIsMissingIsTold(t *testing.T) {
	path := corpus.Make(t, "one-frame.mkv")
	tools, err := media.Find(nil)
	require.NoError(t, err)
	eachEncoder(t, func(t *testing.T, e encoder.Encoder, _ candidate) {
		j := mustPlan(t, path, pipeline.Settings{Encoder: e.Name()})
		lacking := tools
		lacking.FFmpeg = filepath.Join(t.TempDir(), "ffmpeg")
		script := fmt.Sprintf("#!/bin/bash\nexec '%s' \"${@/#%s/libnone}\"\n", tools.FFmpeg, e.Library())
		require.NoError(t, os.WriteFile(lacking.FFmpeg, []byte(script), 0o755))
		_, err := encode.Test(t.Context(), lacking, j.plan, path)
		var refusal *pipeline.Refusal
		require.ErrorAs(t, err, &refusal)
		require.Contains(t, refusal.Reason, "ffmpeg has no "+e.Library()+" on the machine that plans")
	})
}
