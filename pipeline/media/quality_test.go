package media

import (
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

func ffmpeg(t *testing.T, args string, more ...string) {
	t.Helper()
	command := slices.Concat([]string{"-nostdin", "-v", "error", "-y"}, strings.Fields(args), more)
	out, err := exec.CommandContext(t.Context(), "ffmpeg", command...).CombinedOutput()
	require.NoError(t, err, "%q\n%s", command, out)
}

// A single wrong frame, and a chunk that is worse than the others, show as numbers.
func TestQualityNamesTheWorst(t *testing.T) {
	dir := t.TempDir()
	src, out := filepath.Join(dir, "s.mkv"), filepath.Join(dir, "o.mkv")
	ffmpeg(t, "-f lavfi -i testsrc2=s=128x72:r=25:d=2 -pix_fmt yuv420p10le -c:v libx264 -preset ultrafast -crf 5", src)
	ffmpeg(t, "-i", src, "-vf", `drawbox=w=64:color=red:t=fill:enable=eq(n\,33),scale=96:54`, "-pix_fmt", "yuv420p",
		"-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", out)
	for _, c := range []struct {
		chunks []int
		parts  int
		worst  int
	}{{[]int{10, 20, 20}, 3, 2}, {nil, 1, 0}, {[]int{10, 20}, 1, 0}, {[]int{60, -10}, 1, 0}} {
		q, err := tools(t).ComparePictures(t.Context(), src, out, c.chunks, pipeline.Rect{})
		require.NoError(t, err)
		require.Equal(t, 50, q.Frames)
		require.Len(t, q.Parts, c.parts)
		require.Equal(t, c.worst, q.Worst())
		p := q.Parts[c.worst]
		require.Equal(t, 33, p.WorstFrame)
		require.InDelta(t, 33.0/25, p.WorstTime, 0.001)
		require.Less(t, p.WorstSSIM, 0.9)
		require.Contains(t, q.Text(), "its frame 33 at 1.320 s")
		require.Contains(t, q.Text(), "\nSSIM: mean 0.")
		for _, m := range q.Others {
			require.Contains(t, q.Text(), m.Title()+": mean ")
			require.Positive(t, p.Other[m])
		}
		if c.parts == 3 {
			require.Greater(t, q.Parts[0].SSIM, 0.9)
			require.Greater(t, q.Parts[0].PSNR, p.PSNR+3)
			require.Equal(t, []float64{0.4, 1.16}, []float64{q.Parts[1].Start, q.Parts[1].End})
		}
	}
}

func TestQualityOfEqualFiles(t *testing.T) {
	src := filepath.Join(t.TempDir(), "vfr.mkv")
	ffmpeg(t, "-f lavfi -i testsrc2=s=64x48:r=25:d=3 -vf select=gt(mod(n\\,7)\\,2) -fps_mode vfr -c:v libx264 -preset "+
		"ultrafast -g 10 -bf 2", src)
	q, err := tools(t).ComparePictures(t.Context(), src, src, nil, pipeline.Rect{})
	require.NoError(t, err)
	require.InDelta(t, 1, q.Parts[0].SSIM, 1e-9)
	require.True(t, math.IsInf(q.Parts[0].PSNR, 1))
}

func TestScanQuality(t *testing.T) {
	frames, err := scanQuality(strings.NewReader("frame:0 pts:0\nlavfi.ssim.All=0.5\nlavfi.psnr.psnr_avg=inf\nframe:1 " +
		"pts:1\nlavfi.ssim.All=1\nlavfi.psnr.psnr_avg=40.5\n"))
	require.NoError(t, err)
	require.Equal(t, []frameQuality{{0.5, math.Inf(1)}, {1, 40.5}}, frames)
	for _, bad := range []string{"lavfi.ssim.All=1\n", "frame:0\nlavfi.ssim.All=x\n", "frame:0\nlavfi.ssim.All=1\n"} {
		_, err := scanQuality(strings.NewReader(bad))
		require.Error(t, err, bad)
	}
}

func TestEqualParts(t *testing.T) {
	times := make([]float64, 1201)
	for i := range times {
		times[i] = float64(i) / 20
	}
	require.Equal(t, []int{400, 400, 401}, equalParts(times))
	require.Equal(t, []int{1}, equalParts(times[:1]))
}

// What ffmpeg says is told once.
func TestAnErrorIsToldOnce(t *testing.T) {
	_, err := tools(t).measure(t.Context(), []string{"-v", "error", "-i", filepath.Join(t.TempDir(), "gone.mkv"), "-f",
		"null", "-"}, Limits{})
	require.Equal(t, 1, strings.Count(err.Error(), "No such file"), "%v", err)
}
