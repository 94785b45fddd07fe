package media_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var small, large = film{1280, 720, 8, 150}, film{1920, 1080, 10, 90}

// TestEncode: `distenc encode` against one whole ffmpeg with the same settings.
func TestEncode(t *testing.T) {
	only(t)
	head("`distenc encode` against one whole `ffmpeg -c:v libx264`")
	for _, c := range []struct {
		film   film
		preset string
	}{
		{small, "veryfast"}, {small, "medium"}, {small, "slow"}, {large, "veryfast"}, {large, "medium"},
	} {
		t.Run(fmt.Sprintf("%dp/%s", c.film.height, c.preset), func(t *testing.T) {
			source, dir := c.film.path(t), t.TempDir()
			ours, whole := filepath.Join(dir, "ours.mkv"), filepath.Join(dir, "whole.mkv")
			compare(times(t, 1),
				func() { encode(t, source, ours, c.preset) },
				func() { encodeWhole(t, source, whole, c.preset) },
			).tell(t, fmt.Sprintf("%s, preset %s", c.film, c.preset), "ffmpeg")
		})
	}
}

func encode(t *testing.T, source, out, preset string, env ...string) {
	t.Helper()
	_ = os.Remove(out)
	args := append(append([]string{"DISTENC_WORKER_NICE=0"}, env...), binary, "encode", source, "-o", out, "--",
		"--preset", preset, "--profile", "high", "--crf", "20")
	run(t, "env", args...)
}

// encodeWhole keeps everything else as it is, as distenc does.
func encodeWhole(t *testing.T, source, out, preset string) {
	t.Helper()
	run(t, "ffmpeg", "-v", "error", "-y", "-copyts", "-i", source, "-map", "0", "-c", "copy", "-fps_mode", "passthrough",
		"-enc_time_base", "1:1000",
		"-c:v", "libx264", "-preset", preset, "-profile:v", "high", "-pix_fmt", "yuv420p", "-crf", "20", out)
}

// TestFilms only makes the sources, which takes minutes and is done once.
func TestFilms(t *testing.T) {
	only(t)
	small.path(t)
	large.path(t)
	long(t)
}

// TestQuality: size and SSIM in chunks against the whole.
func TestQuality(t *testing.T) {
	only(t)
	f, preset := small, "veryfast"
	source, dir := f.path(t), t.TempDir()
	whole := filepath.Join(dir, "whole.mkv")
	encodeWhole(t, source, whole, preset)
	size, ssim := pictures(t, whole, source)
	fmt.Printf("\n### Size and SSIM of %s, preset %s, against the whole\n\n| chunks of | size | SSIM |\n| --- | --- | "+
		"--- |\n", f, preset)
	for _, chunk := range []string{"10s", "20s"} {
		ours := filepath.Join(dir, chunk+".mkv")
		encode(t, source, ours, preset, "DISTENC_SPLIT_CHUNK="+chunk)
		s, q := pictures(t, ours, source)
		fmt.Printf("| %s | %+.2f%% | %+.5f |\n", chunk, 100*(s/size-1), q-ssim)
	}
}

var ssimAll = regexp.MustCompile(`SSIM .*All:([0-9.]+)`)

// pictures tells the size of a file's video in bytes, and how like the source's its pictures are.
func pictures(t *testing.T, path, source string) (size, ssim float64) {
	t.Helper()
	text := run(t, "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=size", "-of", "csv=p=0",
		path)
	for _, line := range strings.Fields(string(text)) {
		n, err := strconv.ParseFloat(strings.Trim(line, ","), 64)
		require.NoError(t, err)
		size += n
	}
	text = run(t, "ffmpeg", "-nostdin", "-i", path, "-i", source, "-lavfi",
		"[0:v]format=yuv420p[a];[1:v]format=yuv420p[b];[a][b]ssim", "-f", "null", "-")
	m := ssimAll.FindSubmatch(text)
	require.NotNil(t, m, "%s", text)
	ssim, err := strconv.ParseFloat(string(m[1]), 64)
	require.NoError(t, err)
	return size, ssim
}
