package encode_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/media"
)

// Whatever number a stream has for its primaries, transfer, matrix or place of chroma: ffprobe's name for it goes
// through ffmpeg and x264 and comes out as the same.
func TestEveryColourNameIsCarried(t *testing.T) {
	said := func(s media.Stream) []string {
		return []string{s.ColorPrimary, s.ColorTransfer, s.ColorSpace, s.ChromaLoc}
	}
	seen := [4]map[string]bool{{}, {}, {}, {}}
	for i := range 23 {
		options := []string{"-i", "testsrc2=s=64x64:r=25:d=0.04", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset",
			"ultrafast"}
		for _, o := range []struct {
			name string
			last int
		}{{"-color_primaries", 22}, {"-color_trc", 18}, {"-colorspace", 14}, {"-chroma_sample_location", 6}} {
			if n := min(i, o.last); n > 0 || o.name == "-colorspace" {
				options = append(options, o.name, fmt.Sprint(n))
			}
		}
		path := source(t, append(options, "a.mkv")...)
		f, err := media.Tools{FFprobe: "ffprobe"}.Probe(t.Context(), path)
		require.NoError(t, err)
		out, _ := encoded(t, path, fast)
		require.Equal(t, said(f.Streams[0]), said(out), "number %d", i)
		for kind, name := range said(out) {
			seen[kind][name] = true
		}
	}
	// With "", for what ffprobe calls unknown or reserved. It may name more than H.264 has.
	require.Equal(t, []int{11, 17, 14, 6}, []int{len(seen[0]), len(seen[1]), len(seen[2]), len(seen[3])}, "%v", seen)
}

// Names that no H.264 stream has are left out.
func TestColoursThatH264HasNotAreLeftOut(t *testing.T) {
	for _, name := range []string{"vgamut", "vlog", "ipt-c2", "ycgco-re", "ycgco-ro", "what comes with the next ffmpeg",
		""} {
		require.Equal(t, media.Colours{}, media.ColoursOf(name, name, name, name), name)
	}
}

// Settings that are right are not blamed for what ffmpeg does not take of the source.
func TestSettingsAreNotBlamedForTheSource(t *testing.T) {
	path := source(t, "-i", "testsrc2=s=64x64:d=0.2", "-c:v", "libx264", "a.mkv")
	j := mustPlan(t, path, pipeline.Settings{Encoder: "x264", Options: fast})
	j.plan.Out.PixFmt = "no such format"
	_, err := encode.Test(t.Context(), j.tools, j.plan, path)
	require.ErrorContains(t, err, "Its first picture can't be encoded, whatever the settings: ")
	require.NotContains(t, err.Error(), "crf")
}
