package encode_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/test/corpus"
)

// sized plans a film that may have so many bytes.
func sized(t *testing.T, name, options string, bytes int64) job {
	t.Helper()
	j := mustPlan(t, corpus.Film(t, 6), pipeline.Settings{Encoder: name, Options: options, Chunk: 2,
		Size: pipeline.Size{Amount: 1, Unit: "MB"}})
	e, err := encoder.Named(name)
	require.NoError(t, err)
	crf := e.CRF(j.plan.Encoder)
	j.plan.Budget.Limit = bytes
	j.plan.Budget.Range = pipeline.CRFs{Least: crf.Least, Most: crf.Worst, Step: crf.Step, Span: crf.Span}
	return j
}

// What was measured of the chunks gives a CRF with which they take what they may, about; and each is encoded with the
// CRF that it was given.
func TestWhatIsMeasuredTellsASize(t *testing.T) {
	for name, options := range map[string]string{
		"x264": "--preset veryfast", "x265": "--preset ultrafast", "svtav1": "--preset 10",
	} {
		t.Run(name, func(t *testing.T) {
			wanted := int64(120_000)
			if name == "svtav1" { // whose highest CRF is not that coarse
				wanted *= 3
			}
			j := sized(t, name, options, wanted)
			require.Greater(t, len(j.plan.Chunks), 1)
			require.Len(t, j.plan.Budget.Source, len(j.plan.Chunks))
			ctx := context.Background()
			for i := range j.plan.Chunks {
				b, record, err := encode.Rate(ctx, j.tools, j.request(i))
				require.NoError(t, err)
				require.NotEmpty(t, record.Encoder)
				curve, err := encode.ReadRates(j.plan, i, b, record)
				require.NoError(t, err)
				require.GreaterOrEqual(t, len(curve), 2, "%s", b)
				j.plan.Budget.Curves = append(j.plan.Budget.Curves, curve)
			}
			crfs, _, fits := j.plan.Budget.Begin()
			require.True(t, fits)
			sum := int64(0)
			for i := range j.plan.Chunks {
				req := j.request(i)
				req.Spending = pipeline.Spending{CRF: crfs[i], Corrections: 3}
				record, err := encode.Chunk(ctx, j.tools, req)
				require.NoError(t, err)
				require.Equal(t, crfs[i], record.Spent.CRF)
				require.Equal(t, 3, record.Spent.Corrections)
				require.Greater(t, record.Video, int64(0))
				require.Less(t, record.Video, record.Size)
				sum += record.Video
			}
			require.InEpsilon(t, wanted, sum, 0.35, "%v", crfs)
		})
	}
}

func TestHostileRates(t *testing.T) {
	j := sized(t, "x264", "--preset ultrafast", 120_000)
	n := j.plan.Chunks[0].PTS.Len()
	point := `{"crf":23,"bytes":1000}`
	for text, want := range map[string]string{
		``:                         "can't be read",
		`[]`:                       "can't be read",
		`{"frames":1,"points":[]}`: "1 were measured",
		`{"frames":N,"points":[]}`: "measured 0 times",
		`{"frames":N,"points":[P,{"crf":99,"bytes":1}]}`:     "1 bytes with CRF 99",
		`{"frames":N,"points":[P,{"crf":-1,"bytes":1}]}`:     "with CRF -1",
		`{"frames":N,"points":[P,{"crf":30,"bytes":-5}]}`:    "-5 bytes",
		`{"frames":N,"points":[P,{"crf":30,"bytes":1e300}]}`: "can't be read",
		`{"frames":N,"points":[P,P,P,P,P]}`:                  "measured 5 times",
	} {
		b := []byte(strings.NewReplacer("N", fmt.Sprint(n), "P", point).Replace(text))
		r := &pipeline.Record{CRC32: fmt.Sprintf("%08X", crc32.ChecksumIEEE(b))}
		_, err := encode.ReadRates(j.plan, 0, b, r)
		require.ErrorContains(t, err, want, text)
	}
	good, err := json.Marshal(encode.Rates{Frames: n, Points: []pipeline.Point{{CRF: 20, Bytes: 9}, {CRF: 30, Bytes: 3}}})
	require.NoError(t, err)
	_, err = encode.ReadRates(j.plan, 0, good, &pipeline.Record{CRC32: "00000000"})
	require.ErrorContains(t, err, "CRC-32")
}
