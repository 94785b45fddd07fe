package media

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

func TestScoresAreReadOfEachMetric(t *testing.T) {
	for m, c := range map[pipeline.Metric]struct {
		text string
		want []float64
	}{
		pipeline.SSIM: {"frame:0 pts:0\nlavfi.ssim.Y=0.4\nlavfi.ssim.All=0.5\nframe:1 pts:1\nlavfi.ssim.All=1\n",
			[]float64{0.5, 1}},
		pipeline.XPSNR: {"frame:0\nlavfi.xpsnr.xpsnr.y=41.5\nlavfi.xpsnr.xpsnr.u=40.25\nframe:1\nlavfi.xpsnr.xpsnr.y=inf\n",
			[]float64{40.25, math.Inf(1)}},
		pipeline.VMAF: {"Frame,integer_adm2,vmaf,\n0,0.9,89.8,\n5,0.8,100.000,\n", []float64{89.8, 100}},
	} {
		scores, err := readScores(strings.NewReader(c.text), m)
		require.NoError(t, err)
		require.Equal(t, c.want, scores, m)
	}
	for m, bad := range map[pipeline.Metric]string{
		pipeline.SSIM: "lavfi.ssim.All=1\n", pipeline.XPSNR: "frame:0\nlavfi.xpsnr.xpsnr.y=x\n",
		pipeline.VMAF: "Frame,vmaf\n0,nan\n",
	} {
		_, err := readScores(strings.NewReader(bad), m)
		require.ErrorContains(t, err, "not a score", m)
	}
}

func TestTheMeanOfScores(t *testing.T) {
	require.InDelta(t, 92, MeanScore(pipeline.VMAF, []float64{90, 94}), 1e-9)
	require.InDelta(t, 40, MeanScore(pipeline.XPSNR, []float64{40, 40}), 1e-9)
	require.InDelta(t, 22.1, MeanScore(pipeline.XPSNR, []float64{20, 25}), 0.2, "of distances, not of their logarithms")
	require.Less(t, MeanScore(pipeline.XPSNR, []float64{40, math.Inf(1)}), 60.0)
}

// SSIM is everywhere. What an ffmpeg does not have is its own fault, and told as that.
func TestWhatCanBeMeasured(t *testing.T) {
	tools := tools(t)
	require.NoError(t, tools.CanMeasure(t.Context(), pipeline.SSIM))
	for _, m := range pipeline.Metrics() {
		if err := tools.CanMeasure(t.Context(), m); err != nil {
			require.True(t, Blames(err), "%v", err)
		}
	}
}
