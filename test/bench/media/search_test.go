//go:build linux

package media_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/split"
)

// scene is five seconds of a film, and a chunk.
type scene struct {
	texture, contrast float64 // size of what is seen, in pixels, and how much of it
	speed             float64 // pixels a second, to and fro
	grain             int
	brightness        float64
}

// scenes are unlike: still and quick, fine and coarse, clean and grainy, dark and bright.
var scenes = []scene{
	{12, 3, 20, 4, 0}, {60, 1.5, 4, 1, 0}, {4, 2, 8, 2, 0}, {8, 4, 160, 3, 0}, {30, 2, 40, 9, -0.3}, {16, 2.5, 0, 6, 0},
	{6, 3, 60, 0, 0.1}, {100, 1, 10, 14, -0.1}, {10, 1.2, 90, 5, 0.2}, {20, 5, 30, 2, 0}, {5, 1.5, 300, 4, 0},
	{40, 3, 120, 1, -0.2},
}

const (
	sceneWidth, sceneHeight = 512, 288
	sceneFrames             = 120
)

func (s scene) graph(n int) string {
	const w, h = 2 * sceneWidth, 2 * sceneHeight
	across := func(pixels float64) int { return max(16, int(pixels)) }
	return fmt.Sprintf("color=c=0x707880:s=%dx%d:r=24,noise=c0s=90:c1s=30:c2s=30:all_seed=%d,trim=end_frame=1,"+
		"format=yuv444p,scale=%d:%d:flags=bicubic,eq=contrast=%g:brightness=%g,loop=-1:1,setpts=N/24/TB,"+
		"trim=end_frame=%d,crop=%d:%d:x=%d+%g*sin(t/2):y=%d+%g*cos(t/3),noise=alls=%d:allf=t:all_seed=%d",
		across(w/s.texture), across(h/s.texture), n+1, w, h, s.contrast, s.brightness, sceneFrames, sceneWidth,
		sceneHeight, sceneWidth/2, min(2*s.speed, sceneWidth/2.5), sceneHeight/2, min(s.speed, sceneHeight/2.5), s.grain,
		n+1)
}

// unlike makes a film of the scenes, with a key frame where each begins.
func unlike(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "unlike.mkv")
	var graph, labels strings.Builder
	for i, s := range scenes {
		fmt.Fprintf(&graph, "%s,format=yuv420p,setsar=1,settb=1/1000,setpts=N*1000/24[s%d];", s.graph(i), i)
		fmt.Fprintf(&labels, "[s%d]", i)
	}
	run(t, "ffmpeg", "-v", "error", "-y", "-filter_complex",
		fmt.Sprintf("%s%sconcat=n=%d:v=1,fps=24[v]", graph.String(), labels.String(), len(scenes)), "-map", "[v]",
		"-c:v", "libx264", "-preset", "veryfast", "-crf", "16", "-x264-params", "keyint=120:min-keyint=120:scenecut=0", path)
	return path
}

// withVMAF are tools that can measure it: the machine's, else the newest that are tested with.
func withVMAF(t *testing.T) media.Tools {
	t.Helper()
	tools, err := media.Find(nil)
	require.NoError(t, err)
	if tools.CanMeasure(t.Context(), pipeline.VMAF) != nil {
		newest, err := filepath.Abs("../../../bin/newest")
		require.NoError(t, err)
		t.Setenv(media.ToolsDir, newest)
		tools, err = media.Find(nil)
		require.NoError(t, err)
	}
	if err := tools.CanMeasure(t.Context(), pipeline.VMAF); err != nil {
		t.Skipf("no ffmpeg here has VMAF (test/newest-ffmpeg bin/newest fetches one): %v", err)
	}
	return tools
}

// TestSearch: how near each chunk of a film of unlike scenes comes to a wanted VMAF, by a whole measurement of its own,
// and what the search takes against one encode with the CRF that it found.
func TestSearch(t *testing.T) {
	only(t)
	tools, source := withVMAF(t), unlike(t)
	fmt.Print("\n### The search for a VMAF: twelve unlike chunks, preset medium (SVT-AV1: 8)\n\n| | wanted | error of " +
		"each chunk | mean | worst within the limits | CRF | probes | CPU against one encode |\n" +
		"| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, target := range []float64{95, 88} {
		for _, c := range []struct{ name, options string }{
			{"x264", "--preset medium"}, {"svtav1", "--preset 8"}, {"x265", "--preset medium"},
		} {
			tellSearch(t, tools, source, pipeline.Settings{Encoder: c.name, Options: c.options,
				Quality: pipeline.Quality{Metric: pipeline.VMAF, Target: target}})
		}
	}
}

func tellSearch(t *testing.T, tools media.Tools, source string, s pipeline.Settings) {
	t.Helper()
	dir := t.TempDir()
	plan := chunked(t, tools, source, s, dir)
	require.Equal(t, len(scenes), len(plan.Chunks))
	var errors, crfs []string
	var sum, worst float64
	probes := 0
	var ratio struct{ search, once cost }
	for i := range plan.Chunks {
		req := encode.Request{Plan: plan, Chunk: &plan.Chunks[i], Source: source, Threads: 1,
			Out: filepath.Join(dir, "a.tmp"), Spare: filepath.Join(dir, "b.tmp")}
		var record *pipeline.Record
		var err error
		took := measure(func() { record, err = encode.Chunk(t.Context(), tools, req) })
		require.NoError(t, err)
		result := req.Out
		if record.Spare {
			result = req.Spare
		}
		off := wholeVMAF(t, tools, source, i, result) - s.Quality.Target
		mark := ""
		if record.Quality.Limit {
			mark = "*"
		} else {
			worst = max(worst, math.Abs(off))
		}
		errors = append(errors, fmt.Sprintf("%+.2f%s", off, mark))
		crfs = append(crfs, fmt.Sprintf("%g", record.Quality.CRF))
		sum, probes = sum+math.Abs(off)/float64(len(scenes)), probes+record.Quality.Probes

		once := *plan
		once.Settings.Quality = pipeline.Quality{}
		once.Settings.Options += fmt.Sprintf(" --crf %g", record.Quality.CRF)
		req.Plan = &once
		single := measure(func() { _, err = encode.Chunk(t.Context(), tools, req) })
		require.NoError(t, err)
		ratio.search.cpu, ratio.once.cpu = ratio.search.cpu+took.cpu, ratio.once.cpu+single.cpu
	}
	fmt.Printf("| %s | %g | %s | %.2f | %.2f | %s | %.1f | %.2f |\n", s.Encoder, s.Quality.Target,
		strings.Join(errors, " "), sum, worst, strings.Join(crfs, " "), float64(probes)/float64(len(scenes)),
		float64(ratio.search.cpu)/float64(ratio.once.cpu))
}

// chunked plans a film in chunks of one scene: each can be cut where it begins alone.
func chunked(t *testing.T, tools media.Tools, source string, s pipeline.Settings, dir string) *pipeline.Plan {
	t.Helper()
	s.Container, s.Pieces, s.Chunk = "mkv", "range", 2
	plan, err := split.Make(t.Context(), tools, split.Request{
		Job: "00000000-abcde", Path: source, NormPath: filepath.Join(dir, "norm.abc.mkv"), CRC32: "00000000", Settings: s,
		TestEncode: encode.Test,
		TestRest: func(context.Context, media.Tools, string, *media.File, pipeline.Settings) error {
			return nil
		},
	})
	require.NoError(t, err)
	return plan
}

// wholeVMAF is that of each picture of a scene, by an ffmpeg that knows nothing of distenc.
func wholeVMAF(t *testing.T, tools media.Tools, source string, scene int, result string) float64 {
	t.Helper()
	log := filepath.Join(t.TempDir(), "vmaf.csv")
	run(t, tools.FFmpeg, "-v", "error", "-i", result, "-i", source, "-filter_complex", fmt.Sprintf(
		"[1:v]trim=start_frame=%d:end_frame=%d,settb=1/1000,setpts=N[s];[0:v]settb=1/1000,setpts=N[o];"+
			"[o][s]libvmaf=log_fmt=csv:log_path=%s", scene*sceneFrames, (scene+1)*sceneFrames, log),
		"-enc_time_base", "1:1000", "-f", "null", "-")
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	sum, n := 0.0, 0.0
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		cells := strings.Split(strings.Trim(line, ","), ",")
		var v float64
		_, err := fmt.Sscan(cells[len(cells)-1], &v)
		require.NoError(t, err)
		sum, n = sum+v, n+1
	}
	require.Equal(t, float64(sceneFrames), n)
	return sum / n
}
