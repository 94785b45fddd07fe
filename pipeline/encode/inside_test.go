package encode_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// wide is a farm large enough for chunks that begin inside a group of pictures.
const wide = 200

// Chunks that begin inside a group of pictures have no seams: every picture is that of a whole-file run, bit for bit.
func TestCutsInsideAGroupAreNoSeams(t *testing.T) {
	for _, name := range []string{"h264-open.mkv", "hevc-open.mkv", "vfr.mp4"} {
		t.Run(name, func(t *testing.T) {
			j, err := planFor(t, corpus.Make(t, name), pipeline.Settings{Encoder: "x264", Options: lossless, Container: "mkv",
				Chunk: 2, Pieces: "copy"}, wide)
			require.NoError(t, err)
			inside := 0
			for _, c := range j.plan.Chunks {
				require.Equal(t, pipeline.KindRange, c.Kind)
				if c.Start > c.Key {
					inside++
				}
			}
			require.Positive(t, inside)
			results, _ := j.encodeAll(t)
			var got []string
			for _, r := range results {
				got = append(got, pictures(t, r, "null")...)
			}
			require.Equal(t, pictures(t, j.source, "null"), got)
		})
	}
}
