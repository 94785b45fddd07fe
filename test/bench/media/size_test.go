//go:build linux

package media_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSize has films encoded to a size, far below, near and far above what a usual CRF makes, and ffmpeg encode the
// same film as a whole in two passes to the size that came out (libsvtav1 knows no second pass: in one).
func TestSize(t *testing.T) {
	only(t)
	source := film{640, 360, 8, 40}.path(t)
	fmt.Printf("\n### A wanted size, %s\n\n| | limit | file | SSIM | worst 5 s | whole, two passes: bytes | SSIM | "+
		"worst 5 s | CPU | of one encode |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n", film{640, 360, 8, 40})
	for _, e := range []struct {
		name, options, usual string
		whole                []string
	}{
		{"x264", "--preset medium", "--crf 23", []string{"-c:v", "libx264", "-preset", "medium"}},
		{"x265", "--preset veryfast", "--crf 28", []string{"-c:v", "libx265", "-preset", "veryfast"}},
		{"svtav1", "--preset 10", "--crf 35", []string{"-c:v", "libsvtav1", "-preset", "10"}},
	} {
		dir := t.TempDir()
		once := sized(t, source, dir, e.name, e.options+" "+e.usual, "")
		for _, part := range []float64{0.35, 1, 3} {
			limit := once.rest + int64(part*float64(once.video))
			ours := sized(t, source, dir, e.name, e.options, fmt.Sprintf("%.3fKB", float64(limit)/1000))
			theirs := twoPasses(t, source, dir, e.whole, ours)
			fmt.Printf("| %s | %d | %+.2f%% | %.5f | %.4f | %+.2f%% | %.5f | %.4f | %.1f s | %.2f |\n", e.name, limit,
				100*float64(ours.size-limit)/float64(limit), ours.ssim, ours.worst,
				100*float64(theirs.video-ours.video)/float64(ours.video), theirs.ssim, theirs.worst,
				ours.cpu, ours.cpu/once.cpu)
			require.LessOrEqual(t, ours.size, limit)
		}
	}
}

// made is what came of a film.
type made struct {
	size, video, rest int64
	ssim, worst       float64
	cpu               float64 // seconds
}

// sized encodes a film with distenc, to a size if one is given.
func sized(t *testing.T, source, dir, encoder, options, size string) (m made) {
	t.Helper()
	config, out := filepath.Join(dir, "distenc.toml"), filepath.Join(dir, "ours.mkv")
	require.NoError(t, os.WriteFile(config, []byte("[split]\nchunk = \"5s\"\n"), 0o600))
	_ = os.Remove(out)
	args := []string{"encode", "--config", config, "--encoder", encoder, "-o", out, source}
	if size != "" {
		args = append(args, "--size", size)
	}
	m.cpu = measure(func() { run(t, binary, append(append(args, "--"), strings.Fields(options)...)...) }).cpu.Seconds()
	info, err := os.Stat(out)
	require.NoError(t, err)
	m.size, m.video = info.Size(), videoBytes(t, out)
	m.rest = m.size - m.video
	m.ssim, m.worst = ssim(t, source, out)
	return m
}

// twoPasses encodes a film as a whole to the bitrate of another encode of its video.
func twoPasses(t *testing.T, source, dir string, encoder []string, ours made) (m made) {
	t.Helper()
	rate := strconv.FormatInt(ours.video*8/40, 10)
	out, log := filepath.Join(dir, "whole.mkv"), filepath.Join(dir, "passes")
	command := func(more ...string) {
		args := append([]string{"-v", "error", "-y", "-i", source, "-map", "0:v"}, encoder...)
		run(t, "ffmpeg", append(append(args, "-b:v", rate), more...)...)
	}
	switch encoder[1] {
	case "libx264":
		command("-pass", "1", "-passlogfile", log, "-f", "null", "-")
		command("-pass", "2", "-passlogfile", log, out)
	case "libx265":
		command("-x265-params", "log-level=error:pass=1:stats="+log+".x265", "-f", "null", "-")
		command("-x265-params", "log-level=error:pass=2:stats="+log+".x265", out)
	default:
		command(out)
	}
	m.video = videoBytes(t, out)
	m.ssim, m.worst = ssim(t, source, out)
	return m
}

func videoBytes(t *testing.T, path string) (sum int64) {
	t.Helper()
	for size := range strings.FieldsSeq(string(run(t, "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
		"packet=size", "-of", "csv=p=0", path))) {
		n, err := strconv.ParseInt(strings.Trim(size, ","), 10, 64)
		require.NoError(t, err)
		sum += n
	}
	return sum
}

var frameSSIM = regexp.MustCompile(`All:([0-9.]+)`)

// ssim is the mean over all frames, and that of the worst five seconds.
func ssim(t *testing.T, source, out string) (mean, worst float64) {
	t.Helper()
	const part = 120 // frames
	stats := filepath.Join(t.TempDir(), "ssim")
	run(t, "ffmpeg", "-v", "error", "-i", source, "-i", out, "-filter_complex",
		"[0:v]settb=1/1000,setpts=N[a];[1:v]settb=1/1000,setpts=N[b];[a][b]ssim=f="+stats, "-f", "null", "-")
	text, err := os.ReadFile(stats)
	require.NoError(t, err)
	all := frameSSIM.FindAllStringSubmatch(string(text), -1)
	worst = 1
	for some := range slices.Chunk(all, part) {
		sum := 0.0
		for _, m := range some {
			s, err := strconv.ParseFloat(m[1], 64)
			require.NoError(t, err)
			sum += s
		}
		mean, worst = mean+sum/float64(len(all)), min(worst, sum/float64(len(some)))
	}
	return mean, worst
}
