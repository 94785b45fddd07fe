package encode_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

// quickest are options with which an encode takes little time, and which choose no rate.
var quickest = map[string]string{"x264": "--preset ultrafast", "x265": "--preset ultrafast", "svtav1": "--preset 12"}

// twoScenes makes a film of eight seconds that has two chunks: a quiet one and a busy one.
func twoScenes(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "two.mkv")
	const graph = "gradients=s=320x180:r=25:speed=0.02:nb_colors=2:c0=0x204060:c1=0xc0a080:x0=10:y0=10:x1=300:y1=170," +
		"noise=alls=3:allf=t,trim=end_frame=100[a];" +
		"testsrc2=s=320x180:r=25,noise=alls=20:allf=t,trim=end_frame=100[b];[a][b]concat=n=2:v=1,format=yuv420p[v]"
	out, err := exec.Command("ffmpeg", "-v", "error", "-filter_complex", graph, "-map", "[v]", "-c:v", "libx264",
		"-preset", "veryfast", "-crf", "8", "-x264-params", "keyint=100:min-keyint=100:scenecut=0", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// wanted encodes all chunks for a quality, and returns the results.
func (j job) wanted(t *testing.T) (results []string, records []*pipeline.Record) {
	t.Helper()
	for i := range j.plan.Chunks {
		req := j.request(i)
		req.Spare = req.Out + ".spare"
		var frames []int
		children := 0
		req.Progress = func(n int, _ int64) { frames = append(frames, n) }
		req.Started = func(*media.Process) { children++ }
		record, err := encode.Chunk(t.Context(), j.tools, req)
		require.NoError(t, err)
		require.IsNonDecreasing(t, frames)
		require.Equal(t, req.Chunk.PTS.Len(), frames[len(frames)-1])
		require.GreaterOrEqual(t, children, 2*record.Quality.Probes, "each encode and each measurement can be paused")
		result := req.Out
		if record.Spare {
			result = req.Spare
		}
		clip, err := j.check(t, i, result)
		require.NoError(t, err)
		require.Equal(t, clip.CRC32, record.CRC32)
		require.NoError(t, j.look(i, result, record, false))
		results, records = append(results, result), append(records, record)
	}
	return results, records
}

// TestEachChunkHasTheWantedQuality: unlike chunks have unlike CRFs and one score, and can be joined.
func TestEachChunkHasTheWantedQuality(t *testing.T) {
	source := twoScenes(t)
	eachEncoder(t, func(t *testing.T, e encoder.Encoder, _ candidate) {
		asked := pipeline.Quality{Metric: pipeline.SSIM, Target: 0.96}
		j := mustPlan(t, source, pipeline.Settings{Encoder: e.Name(), Options: quickest[e.Name()], Container: "mkv", Chunk: 2,
			Pieces: "range", Quality: asked})
		require.Equal(t, 2, len(j.plan.Chunks))
		results, records := j.wanted(t)
		for i, r := range records {
			require.Equal(t, asked, r.Quality.Asked)
			require.False(t, r.Quality.Limit)
			require.InDelta(t, asked.Target, r.Quality.Score, 0.006, "chunk %d, CRF %g", i, r.Quality.CRF)
			require.InDelta(t, r.Quality.Score, ssim(t, source, i*100, results[i]), 0.0005)
			require.LessOrEqual(t, r.Quality.Probes, 4)
		}
		require.NotEqual(t, records[0].Quality.CRF, records[1].Quality.CRF)
		require.Equal(t, records[0].Extradata, records[1].Extradata)
		j.merge(t, results)
	})
}

// ssim measures a hundred pictures of a source against a result, by an ffmpeg that knows nothing of distenc.
func ssim(t *testing.T, source string, first int, result string) (score float64) {
	t.Helper()
	graph := fmt.Sprintf("[1:v]trim=start_frame=%d:end_frame=%d,settb=1/1000,setpts=N[s];[0:v]settb=1/1000,setpts=N[o];"+
		"[o][s]ssim", first, first+100)
	out, err := exec.Command("ffmpeg", "-nostdin", "-i", result, "-i", source, "-filter_complex", graph, "-enc_time_base",
		"1:1000", "-f", "null", "-").CombinedOutput()
	require.NoError(t, err, "%s", out)
	_, all, found := strings.Cut(string(out), "All:")
	require.True(t, found, "%s", out)
	_, err = fmt.Sscanf(all, "%g", &score)
	require.NoError(t, err)
	return score
}

// TestVMAFAndXPSNR: what only some builds of ffmpeg can measure.
func TestVMAFAndXPSNR(t *testing.T) {
	source := twoScenes(t)
	for _, asked := range []pipeline.Quality{{Metric: pipeline.VMAF, Target: 90}, {Metric: pipeline.XPSNR, Target: 36}} {
		t.Run(asked.String(), func(t *testing.T) {
			j := mustPlan(t, source, pipeline.Settings{Options: quickest["x264"], Container: "mkv", Chunk: 2, Pieces: "range",
				Quality: asked})
			if err := j.tools.CanMeasure(t.Context(), asked.Metric); err != nil {
				require.True(t, media.Blames(err), "%v", err)
				t.Skipf("this ffmpeg can't measure it; `make test-newest` has one that can: %v", err)
			}
			_, records := j.wanted(t)
			for _, r := range records {
				require.InDelta(t, asked.Target, r.Quality.Score, 1)
			}
		})
	}
}

// TestFiltersStandOnBothSides: whatever the settings do to the pictures is not counted against the encoder, which can
// then have any score.
func TestFiltersStandOnBothSides(t *testing.T) {
	made := func(filters string) string {
		return source(t, "-i", "testsrc2=s=322x182:r=25:d=1,"+filters, "-c:v", "ffv1", "a.mkv")
	}
	odd := made("format=yuv444p,crop=321:181:0:0:exact=1")
	full := source(t, "-i", "testsrc2=s=320x180:d=1,format=yuvj420p", "-c:v", "mjpeg", "-q:v", "2", "j.mkv")
	for name, c := range map[string]struct {
		source string
		set    pipeline.Settings
	}{
		"scaled":          {made("format=yuv420p"), pipeline.Settings{Scale: pipeline.Scale{Width: 160, Height: 90}}},
		"deinterlaced":    {interlaced(t, "tff", "i.mkv"), pipeline.Settings{Deinterlace: pipeline.MakeProgressive}},
		"interlaced":      {interlaced(t, "bff", "i.mkv"), pipeline.Settings{}},
		"padded":          {odd, pipeline.Settings{Options: " --profile high", Odd: pipeline.PadOdd}},
		"cropped":         {odd, pipeline.Settings{Options: " --profile high", Odd: pipeline.CropOdd}},
		"full range":      {full, pipeline.Settings{}},
		"RGB":             {made("format=gbrp"), pipeline.Settings{}},
		"10 bit":          {made("format=yuv420p10le"), pipeline.Settings{}},
		"uneven times":    {corpus.Make(t, "vfr.mkv"), pipeline.Settings{}},
		"hidden pictures": {corpus.Make(t, "editlist.mp4"), pipeline.Settings{}},
		"an open group":   {corpus.Make(t, "h264-open.mkv"), pipeline.Settings{Chunk: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.set
			s.Options, s.Container, s.Pieces = "--preset ultrafast"+s.Options, "mkv", "range"
			for metric, target := range map[pipeline.Metric]float64{pipeline.SSIM: 0.98, pipeline.VMAF: 90} {
				s.Quality = pipeline.Quality{Metric: metric, Target: target}
				j := mustPlan(t, c.source, s)
				if j.tools.CanMeasure(t.Context(), metric) != nil {
					continue // SSIM is everywhere
				}
				_, records := j.wanted(t)
				for _, r := range records {
					require.False(t, r.Quality.Limit, "%s %g with CRF %g", metric, r.Quality.Score, r.Quality.CRF)
				}
			}
		})
	}
}

// TestGrainThatTheDecoderMakesUpIsNotMeasured: it is like the source's, and not the same.
func TestGrainThatTheDecoderMakesUpIsNotMeasured(t *testing.T) {
	source := twoScenes(t)
	score := func(options string) float64 {
		j := mustPlan(t, source, pipeline.Settings{Encoder: "svtav1", Options: "--preset 12 --film-grain-denoise 0" + options,
			Container: "mkv", Chunk: 30, Pieces: "range", Quality: pipeline.Quality{Metric: pipeline.SSIM, Target: 0.93}})
		_, records := j.wanted(t)
		require.False(t, records[0].Quality.Limit)
		return records[0].Quality.CRF
	}
	require.InDelta(t, score(""), score(" --film-grain 50"), 3)
}

func TestAStoppedSearchEnds(t *testing.T) {
	j := mustPlan(t, twoScenes(t), pipeline.Settings{Options: quickest["x264"], Container: "mkv", Chunk: 2,
		Pieces: "range", Quality: pipeline.Quality{Metric: pipeline.SSIM, Target: 0.96}})
	for stopAt := range 4 { // an encode or a measurement
		ctx, cancel := context.WithCancel(t.Context())
		req := j.request(0)
		req.Spare = req.Out + ".spare"
		children := 0
		req.Started = func(*media.Process) {
			if children++; children > stopAt {
				cancel()
			}
		}
		_, err := encode.Chunk(ctx, j.tools, req)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, stopAt+1, children)
	}
}
