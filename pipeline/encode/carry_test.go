package encode_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// source makes a short clip with ffmpeg; the last argument is its name.
func source(t *testing.T, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), args[len(args)-1])
	args = append(append([]string{"-v", "error", "-nostdin", "-f", "lavfi"}, args[:len(args)-1]...), path)
	out, err := exec.Command("ffmpeg", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// encoded returns what ffprobe says of the first chunk, and of its first frames.
func encoded(t *testing.T, path, x264 string) (media.Stream, media.Head) {
	t.Helper()
	j := mustPlan(t, path, pipeline.Settings{Encoder: "x264", Options: x264})
	results, _ := j.encodeAll(t)
	f, err := j.tools.Probe(context.Background(), results[0])
	require.NoError(t, err)
	head, err := j.tools.Head(context.Background(), results[0], media.FirstVideo, 3)
	require.NoError(t, err)
	return f.Streams[0], head
}

func TestColoursAndShapeAreCarried(t *testing.T) {
	path := source(t, "-i", "testsrc2=s=64x64:d=0.2", "-vf", "setsar=32/27", "-c:v", "libx264", "-color_primaries",
		"bt470bg",
		"-color_trc", "smpte170m", "-colorspace", "bt470bg", "-color_range", "tv", "a.mkv")
	s, _ := encoded(t, path, fast)
	require.Equal(t, pipeline.Rational{Num: 32, Den: 27}, s.SAR)
	require.Equal(t, []string{"bt470bg", "smpte170m", "bt470bg", "tv"},
		[]string{s.ColorPrimary, s.ColorTransfer, s.ColorSpace, s.ColorRange})
	require.Equal(t, "progressive", s.FieldOrder)
}

func TestTheUsersWordGoesBeforeTheSources(t *testing.T) {
	path := source(t, "-i", "testsrc2=s=64x64:d=0.2", "-c:v", "libx264", "-color_primaries", "bt470bg", "-color_trc",
		"smpte170m", "a.mkv")
	s, _ := encoded(t, path, fast+" --sar 2:1 --colorprim bt709 --transfer undef --colormatrix GBR --range tv "+
		"--chromaloc 2")
	require.Equal(t, pipeline.Rational{Num: 2, Den: 1}, s.SAR)
	require.Equal(t, []string{"bt709", "", "gbr", "tv"}, []string{s.ColorPrimary, s.ColorTransfer, s.ColorSpace,
		s.ColorRange})
}

func TestFullRangeStaysFull(t *testing.T) {
	path := source(t, "-i", "color=white:s=64x64:d=0.2,format=yuvj420p", "-c:v", "mjpeg", "-q:v", "2", "a.mkv")
	j := mustPlan(t, path, pipeline.Settings{Encoder: "x264", Options: fast + " --profile high"})
	require.Equal(t, "yuv420p", j.plan.Out.PixFmt)
	results, _ := j.encodeAll(t)
	f, err := j.tools.Probe(context.Background(), results[0])
	require.NoError(t, err)
	require.Equal(t, "pc", f.Streams[0].ColorRange)
	luma, err := exec.Command("ffmpeg", "-v", "error", "-i", results[0], "-frames:v", "1", "-vf", "extractplanes=y", "-f",
		"rawvideo", "-").Output()
	require.NoError(t, err)
	require.Greater(t, luma[100], byte(250)) // limited range would be 235
}

func TestRGBBecomesBT709(t *testing.T) {
	path := source(t, "-i", "color=red:s=64x64:d=0.2,format=gbrp", "-c:v", "ffv1", "a.mkv")
	s, _ := encoded(t, path, fast)
	require.Equal(t, "bt709", s.ColorSpace)
	require.Equal(t, "yuv444p", s.PixFmt)
}

func TestFieldOrderIsCarried(t *testing.T) {
	for _, tff := range []bool{true, false} {
		mode := map[bool]string{true: "tff", false: "bff"}[tff]
		path := source(t, "-i", "testsrc2=s=64x64:r=50:d=0.4", "-vf", "interlace=scan="+mode+":lowpass=0,setfield="+mode,
			"-c:v", "libx264", "-x264-params", mode+"=1", mode+".mkv")
		s, head := encoded(t, path, fast)
		require.Equal(t, mode[:1], s.FieldOrder[:1], "what comes first")
		require.True(t, head.Interlaced)
		require.Equal(t, tff, head.TopFirst)
		_, head = encoded(t, path, fast+" --no-interlaced")
		require.False(t, head.Interlaced)
	}
	progressive := source(t, "-i", "testsrc2=s=64x64:d=0.2", "-c:v", "libx264", "a.mkv")
	_, head := encoded(t, progressive, fast+" --tff")
	require.True(t, head.Interlaced && head.TopFirst)
}

func TestHDR10IsCarried(t *testing.T) {
	const display, light = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)", "1000,400"
	path := source(t, "-i", "testsrc2=s=64x64:d=0.2", "-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-x265-params",
		"log-level=error:hdr10=1:repeat-headers=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:master-display="+
			display+":max-cll="+light, "a.mkv")
	j := mustPlan(t, path, pipeline.Settings{Encoder: "x264", Options: fast})
	require.Equal(t, display, j.plan.Video.MasterDisplay)
	require.Equal(t, light, j.plan.Video.MaxCLL)
	results, _ := j.encodeAll(t)
	// Only this shows what is in the stream: ffmpeg's own H.264 decoder tells nothing of it before 6.0.
	out, err := exec.Command("ffmpeg", "-v", "info", "-i", results[0], "-c", "copy", "-bsf:v", "trace_headers", "-f",
		"null", "-").CombinedOutput()
	require.NoError(t, err)
	for _, sei := range []string{`display_primaries_x\[0\] +\d+ = 13250`,
		`max_display_mastering_luminance +\d+ = 10000000`, `max_pic_average_light_level +\d+ = 400`} {
		require.Regexp(t, sei, string(out))
	}
	f, err := j.tools.Probe(context.Background(), results[0])
	require.NoError(t, err)
	require.Equal(t, "smpte2084", f.Streams[0].ColorTransfer)
	require.Equal(t, "yuv420p10le", f.Streams[0].PixFmt)
}

func TestPicturesOfSeveralSizesAllComeOut(t *testing.T) {
	small := source(t, "-i", "testsrc2=s=64x64:d=1", "-c:v", "libx264", "-g", "10", "-bf", "0", "a.ts")
	large := source(t, "-i", "testsrc2=s=128x96:d=1", "-c:v", "libx264", "-g", "10", "-bf", "0", "-output_ts_offset", "1",
		"b.ts")
	path := filepath.Join(t.TempDir(), "both.ts")
	require.NoError(t, exec.Command("sh", "-c", `cat "$1" "$2" > "$3"`, "sh", small, large, path).Run())

	eachEncoder(t, func(t *testing.T, e encoder.Encoder, c candidate) {
		j := mustPlan(t, path, pipeline.Settings{Encoder: e.Name(), Options: c.quick, Chunk: 0.7})
		require.Equal(t, 50, j.plan.Frames)
		_, records := j.encodeAll(t)
		require.Contains(t, records[len(records)-1].Method+records[1].Method, "scaled to 64x64")
		var frames int
		for _, r := range records {
			frames += r.Frames
			require.Equal(t, records[0].Extradata, r.Extradata, "a picture's own aspect ratio is not the film's")
		}
		require.Equal(t, 50, frames)
	})
}

// setsar by itself rounds to numbers up to 100.
func TestAnAspectRatioIsNotRounded(t *testing.T) {
	path := source(t, "-i", "testsrc2=s=702x64:d=0.2,setsar=sar=160/117:max=200", "-c:v", "libx264", "a.mkv")
	eachEncoder(t, func(t *testing.T, e encoder.Encoder, c candidate) {
		j := mustPlan(t, path, pipeline.Settings{Encoder: e.Name(), Options: c.quick})
		results, _ := j.encodeAll(t)
		require.Equal(t, pipeline.Rational{Num: 160, Den: 117}, probed(t, j, j.merge(t, results)).SAR)
	})
}

func TestTheRotationIsNotApplied(t *testing.T) {
	straight := source(t, "-i", "testsrc2=s=96x64:d=0.4", "-c:v", "libx264", "a.mp4")
	turned := filepath.Join(t.TempDir(), "turned.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", straight, "-c", "copy", "-metadata:s:v:0", "rotate=90",
		turned).CombinedOutput()
	require.NoError(t, err, "%s", out)
	j := mustPlan(t, turned, pipeline.Settings{Encoder: "x264", Options: fast})
	require.NotZero(t, j.plan.Video.Rotation)
	s, _ := encoded(t, turned, fast)
	require.Equal(t, 96, s.Width)
	require.Equal(t, j.plan.Video.Rotation, s.Rotation)
}

func TestAPlaylistIsNoSource(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "evil.mkv")
	require.NoError(t, os.WriteFile(path, []byte("ffconcat version 1.0\nfile /etc/passwd\n"), 0o600))
	_, err := plan(t, path, pipeline.Settings{Encoder: "x264", Options: fast})
	var refusal *pipeline.Refusal
	require.ErrorAs(t, err, &refusal)
}
