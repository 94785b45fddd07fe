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

	"github.com/distenc/distenc/pipeline/encoder"
)

var small, large = film{1280, 720, 8, 150}, film{1920, 1080, 10, 90}

// contender is an encoder as one whole ffmpeg is asked for it, and what its benches encode.
type contender struct {
	name, options string            // of distenc, beside the preset
	ffmpeg        []string          // the same for ffmpeg
	films         map[film][]string // by presets; quality is that of small with its first one
}

// contenders are all encoders, in their order.
var contenders = []contender{
	{"x264", "--profile high --crf 20", []string{"-c:v", "libx264", "-profile:v", "high", "-crf", "20"},
		map[film][]string{small: {"veryfast", "medium", "slow"}, large: {"veryfast", "medium"}}},
	{"x265", "--profile main --crf 24", []string{"-c:v", "libx265", "-profile:v", "main", "-x265-params",
		"log-level=error:crf=24"}, map[film][]string{small: {"veryfast", "medium"}}},
	{"svtav1", "--crf 35", []string{"-c:v", "libsvtav1", "-svtav1-params", "crf=35:keyint=257"},
		map[film][]string{small: {"10", "8"}}},
}

// eachContender runs a bench for each encoder.
func eachContender(t *testing.T, bench func(t *testing.T, c contender)) {
	t.Helper()
	for _, e := range encoder.All() {
		i := slices.IndexFunc(contenders, func(c contender) bool { return c.name == e.Name() })
		require.GreaterOrEqual(t, i, 0, "%s is not benched", e.Name())
		t.Run(e.Name(), func(t *testing.T) { bench(t, contenders[i]) })
	}
}

// TestEncode: `distenc encode` against one whole ffmpeg with the same settings.
func TestEncode(t *testing.T) {
	only(t)
	eachContender(t, func(t *testing.T, c contender) {
		head(fmt.Sprintf("`distenc encode` against one whole `ffmpeg %s`", strings.Join(c.ffmpeg[:2], " ")))
		for _, f := range []film{small, large} {
			for _, preset := range c.films[f] {
				source, dir := f.path(t), t.TempDir()
				ours, whole := filepath.Join(dir, "ours.mkv"), filepath.Join(dir, "whole.mkv")
				compare(times(t, 1),
					func() { c.encode(t, source, ours, preset) },
					func() { c.encodeWhole(t, source, whole, preset) },
				).tell(t, fmt.Sprintf("%s, preset %s", f, preset), "ffmpeg")
			}
		}
	})
}

// TestShort: a film of a few chunks, the last of which have to end together.
func TestShort(t *testing.T) {
	only(t)
	f, c, preset, dir := film{1280, 720, 8, 40}, contenders[0], "medium", t.TempDir()
	source, ours, whole := f.path(t), filepath.Join(dir, "ours.mkv"), filepath.Join(dir, "whole.mkv")
	head(fmt.Sprintf("A short film, against one whole `ffmpeg %s`", strings.Join(c.ffmpeg[:2], " ")))
	compareVersions(t, times(t, 5), fmt.Sprintf("%s, preset %s", f, preset), "ffmpeg",
		func(program string) { c.encodeBy(t, program, source, ours, preset) },
		func() { c.encodeWhole(t, source, whole, preset) })
}

func (c contender) encode(t *testing.T, source, out, preset string, env ...string) {
	t.Helper()
	c.encodeBy(t, binary, source, out, preset, env...)
}

func (c contender) encodeBy(t *testing.T, program, source, out, preset string, env ...string) {
	t.Helper()
	_ = os.Remove(out)
	args := append(append([]string{"DISTENC_WORKER_NICE=0"}, env...), program, "encode", source, "-o", out, "--encoder",
		c.name, "--", "--preset", preset)
	run(t, "env", append(args, strings.Fields(c.options)...)...)
}

// encodeWhole keeps everything else as it is, as distenc does.
func (c contender) encodeWhole(t *testing.T, source, out, preset string) {
	t.Helper()
	args := append([]string{"-v", "error", "-y", "-copyts", "-i", source, "-map", "0", "-c", "copy", "-fps_mode",
		"passthrough", "-enc_time_base", "1:1000", "-pix_fmt", "yuv420p", "-preset", preset}, c.ffmpeg...)
	run(t, "ffmpeg", append(args, out)...)
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
	eachContender(t, func(t *testing.T, c contender) {
		f, preset := small, c.films[small][0]
		source, dir := f.path(t), t.TempDir()
		whole := filepath.Join(dir, "whole.mkv")
		c.encodeWhole(t, source, whole, preset)
		size, ssim := pictures(t, whole, source)
		fmt.Printf("\n### Size and SSIM by %s of %s, preset %s, against the whole\n\n| chunks of | size | SSIM |\n| --- | "+
			"--- | --- |\n", c.name, f, preset)
		for _, chunk := range []string{"10s", "20s"} {
			ours := filepath.Join(dir, chunk+".mkv")
			c.encode(t, source, ours, preset, "DISTENC_SPLIT_CHUNK="+chunk)
			s, q := pictures(t, ours, source)
			fmt.Printf("| %s | %+.2f%% | %+.5f |\n", chunk, 100*(s/size-1), q-ssim)
		}
	})
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
