package encode_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/test/corpus"
)

// A chunk that may count on a part of the decoder's buffer has the headers of the film's other chunks, also where rate
// and size decide what stands in them.
func TestAnAllowanceChangesNoHeaders(t *testing.T) {
	source := corpus.Film(t, 2)
	for _, c := range []struct{ encoder, options string }{
		{"x264", "--preset ultrafast --vbv-maxrate 4200 --vbv-bufsize 4200"}, // level 3; up to 4,000, 2.1
		{"x264", "--preset ultrafast --nal-hrd vbr --vbv-maxrate 300 --vbv-bufsize 300"},
		{"x264", "--preset ultrafast --level 3 --vbv-maxrate 300 --vbv-bufsize 300"},
		{"x265", "--preset ultrafast --vbv-maxrate 6300 --vbv-bufsize 6300"}, // level 3.1; up to 6,000, 3
	} {
		t.Run(c.encoder+" "+c.options, func(t *testing.T) {
			j := mustPlan(t, source, pipeline.Settings{Encoder: c.encoder, Options: c.options, Chunk: 2})
			require.True(t, j.plan.Buffer.Bounds())
			i := len(j.plan.Chunks) - 1
			encoded := map[string]bool{}
			for _, a := range []pipeline.Allowance{{}, {Start: 0.5, Part: 0.9}, {Start: 0.5, Part: 0.6}} {
				req := j.request(i)
				req.Allowance = a
				record, err := encode.Chunk(t.Context(), j.tools, req)
				require.NoError(t, err)
				encoded[record.Extradata] = true
			}
			require.Len(t, encoded, 1)
		})
	}
}
