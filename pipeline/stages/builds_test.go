package stages

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// counted is an ffmpeg that counts how often it was started, and has no encoder named lacks.
func counted(t *testing.T, lacks string) (tools media.Tools, starts func() int) {
	tools, err := media.Find(nil)
	require.NoError(t, err)
	dir := t.TempDir()
	count := filepath.Join(dir, "count")
	script := fmt.Sprintf("#!/bin/sh\necho >> '%s'\ncase \" $* \" in *' %s '*) echo '[error] Unknown encoder' >&2; exit 1;; esac\n"+
		"exec '%s' \"$@\"\n", count, lacks, tools.FFmpeg)
	tools.FFmpeg = filepath.Join(dir, "ffmpeg")
	require.NoError(t, os.WriteFile(tools.FFmpeg, []byte(script), 0o755))
	return tools, func() int {
		b, err := os.ReadFile(count)
		require.NoError(t, err)
		return strings.Count(string(b), "\n")
	}
}

func TestEachBuildIsTriedOnce(t *testing.T) {
	tools, starts := counted(t, "none")
	b := NewBuilds(tools, true)
	require.Empty(t, b.All(t.Context()), "nothing was asked for")
	name := encoder.All()[0].Name()
	first, err := b.Of(t.Context(), name, "yuv420p")
	require.NoError(t, err)
	require.Equal(t, name, first.Encoder)
	require.Len(t, first.Headers, 64)
	require.Equal(t, len(usual), starts())
	_, err = b.Of(t.Context(), name, "yuv420p10le")
	require.NoError(t, err)
	require.Equal(t, len(usual), starts())
	_, err = b.Of(t.Context(), name, "yuv444p")
	require.NoError(t, err)
	require.Equal(t, len(usual)+1, starts(), "when it is asked for")
	build, err := b.Of(t.Context(), name, "yuv419p")
	require.True(t, refused(err), "%v", err)
	require.Equal(t, first, build, "it can encode others")
	require.Equal(t, []pipeline.Offer{{Build: first, Lacks: map[string]string{"yuv419p": err.Error()}}},
		b.All(t.Context()))

	before := starts()
	require.NoError(t, os.Chtimes(tools.FFmpeg, time.Unix(1, 0), time.Unix(1, 0)))
	again, err := b.Of(t.Context(), name, "yuv420p")
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, before+len(usual), starts(), "ffmpeg was replaced")
	b.Forget(name)
	_, err = b.Of(t.Context(), name, "yuv420p")
	require.NoError(t, err)
	require.Equal(t, before+2*len(usual), starts())
}

func TestAMissingEncoderHasNoBuild(t *testing.T) {
	missing := encoder.All()[0]
	tools, starts := counted(t, missing.Library())
	b := NewBuilds(tools, false)
	all := b.All(t.Context())
	require.Len(t, all, len(encoder.All()))
	require.Equal(t, pipeline.Build{Encoder: missing.Name()}, all[0].Build)
	for _, o := range all[1:] {
		require.NotEmpty(t, o.Version)
	}
	before := starts()
	_, err := b.Of(t.Context(), missing.Name(), "yuv444p")
	require.True(t, refused(err), "%v", err)
	require.Equal(t, before, starts(), "it is not tried again and again")
}
