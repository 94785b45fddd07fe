package merge

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

var errStopped = errors.New("stopped")

func testContext(t *testing.T) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(t.Context())
	return ctx, func() { cancel(errStopped) }
}

func probe(t *testing.T, path string) *media.File {
	t.Helper()
	f, err := findTools(t).Probe(t.Context(), path)
	require.NoError(t, err)
	return f
}

// Every way to lose something is found, with and without a plan.
func TestVerifyFindsLosses(t *testing.T) {
	dir := t.TempDir()
	src := fansub(t, dir)
	remux := func(args ...string) func(string) {
		return func(out string) { run(t, "mkvmerge", append([]string{"-q", "-o", out}, args...)...) }
	}
	for name, c := range map[string]struct {
		change func(out string)
		want   string
	}{
		"no change":      {remux(src), ""},
		"audio lost":     {remux("-a", "1", src), "FAIL audio track 2"},
		"subtitles lost": {remux("-S", src), "FAIL subtitle track 3"},
		"audio moved":    {remux("--sync", "1:40", src), "largest deviation 40 ms"},
		"font lost":      {remux("-m", "1", src), "FAIL attachments: 1, 0 found"},
		"cover lost":     {remux("-m", "2", src), "FAIL cover"},
		"chapters lost":  {remux("--no-chapters", src), "FAIL chapters: 2, 0 found"},
		"tags lost":      {remux("--no-global-tags", src), "FAIL global tags: 2, lost or changed: fansubber"},
		"frame lost": {func(out string) {
			ffmpeg(t, "-i", src, "-map", "0", "-c", "copy", "-bsf:v:0", `noise=drop=eq(n\,30)`, "-f", "matroska", out)
		}, "FAIL video frames: 72 planned, 71 found\nFAIL video timestamps: the first "},
		"audio damaged": {func(out string) {
			ffmpeg(t, "-i", src, "-map", "0", "-c", "copy", "-bsf:a:1", `noise=amount=if(eq(n\,7)\,1\,0)`, "-f", "matroska", out)
		}, "1 different"},
		"frames moved": {remux("--sync", "0:1", src), "FAIL video timestamps: largest deviation 1 ms (tolerance: none)"},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.mkv")
			c.change(out)
			r, err := Verify(t.Context(), findTools(t), src, out, Asked{})
			require.NoError(t, err)
			require.Equal(t, c.want == "", r.OK(), r.Text())
			require.Contains(t, r.Text(), c.want, r.Text())
		})
	}
}

func TestVerifyNeedsThePlannedFrames(t *testing.T) {
	src := vfr(t, t.TempDir())
	plan := &pipeline.Plan{Chunks: []pipeline.Chunk{{PTS: pipeline.NewTimestamps(0, 40, 80)}}}
	r, err := verify(t.Context(), findTools(t), verification{source: src, output: src, plan: plan})
	require.NoError(t, err)
	require.False(t, r.OK())
	require.Contains(t, r.Text(), "FAIL video frames: 3 planned, 75 found")
}

// A transport stream's clock starts anywhere; its copy in Matroska starts elsewhere.
func TestVerifyTransportStream(t *testing.T) {
	dir := t.TempDir()
	src, out := filepath.Join(dir, "s.ts"), filepath.Join(dir, "o.mkv")
	ffmpeg(t, "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=r=48000:d=2 -c:v libx264 -preset ultrafast -g 10 "+
		"-c:a ac3 -output_ts_offset 1000", src)
	ffmpeg(t, "-fflags +genpts -i", src, "-map", "0", "-c", "copy", out)
	r, err := Verify(t.Context(), findTools(t), src, out, Asked{})
	require.NoError(t, err)
	require.Contains(t, r.Text(), "whose clock has no zero")
	require.Contains(t, r.Text(), "ok   video frames: 50 planned, 50 found")
	require.Contains(t, r.Text(), "ok   audio track 1 (ac3)")
}

func TestVerifyRefusesWhatIsNoVideo(t *testing.T) {
	src := vfr(t, t.TempDir())
	_, err := Verify(t.Context(), findTools(t), src, write(t, filepath.Join(t.TempDir(), "x"), "text"), Asked{})
	require.Error(t, err)
}

// HEVC and AV1 say nothing of fields where they are progressive.
func TestNoOrderOfFieldsIsProgressive(t *testing.T) {
	for orders, note := range map[[2]string]string{
		{"progressive", ""}: "", {"", "progressive"}: "", {"tt", "tt"}: "",
		{"tt", ""}: "note video field order: tt became progressive\n",
	} {
		r := &Report{}
		compareVideo(r, media.Stream{Pictures: media.Pictures{FieldOrder: orders[0]}},
			media.Stream{Pictures: media.Pictures{FieldOrder: orders[1]}})
		require.Equal(t, note, r.Text(), "%q", orders)
	}
}

func TestCompareTimes(t *testing.T) {
	ms, film := pipeline.Rational{Num: 1, Den: 1000}, pipeline.Rational{Num: 1, Den: 24000}
	for name, c := range map[string]struct {
		want     []int64
		wantBase pipeline.Rational
		got      []int64
		gotBase  pipeline.Rational
		worst    float64
		exact    bool
	}{
		"equal":                      {[]int64{0, 42, 83}, ms, []int64{0, 42, 83}, ms, 0, true},
		"a tick off":                 {[]int64{0, 42, 83}, ms, []int64{0, 42, 84}, ms, 1, false},
		"rounded":                    {[]int64{0, 1001, 2002}, film, []int64{0, 42, 83}, ms, 0.41667, true},
		"rounded the wrong way":      {[]int64{0, 1001, 2002}, film, []int64{0, 41, 83}, ms, 0.70833, false},
		"finer, exact":               {[]int64{0, 42}, ms, []int64{0, 1008}, film, 0, true},
		"finer holds it, but is off": {[]int64{0, 42}, ms, []int64{0, 1009}, film, 0.041667, false},
		"other lengths":              {[]int64{0, 42}, ms, []int64{0}, ms, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			worst, exact := compareTimes(c.want, c.wantBase, c.got, c.gotBase)
			require.InDelta(t, c.worst, worst, 1e-4)
			require.Equal(t, c.exact, exact)
		})
	}
}

func TestLimits(t *testing.T) {
	limits := func(f *media.File, container pipeline.Container) []string {
		notes, err := Limits(t.Context(), media.Tools{}, "", f, pipeline.Settings{Container: container})
		require.NoError(t, err)
		return notes
	}
	f := &media.File{Format: media.Format{Name: "mov,mp4,m4a,3gp,3g2,mj2"}, Streams: []media.Stream{
		{Index: 0, Type: "video", Codec: "h264"},
		{Index: 1, Type: "audio", Codec: "aac"},
		{Index: 2, Type: "audio", Codec: "adpcm_ima_qt"},
		{Index: 3, Type: "subtitle", Codec: "mov_text", Tags: map[string]string{"language": "eng"}},
		{Index: 4, Type: "subtitle", Codec: "eia_608"},
		{Index: 5, Type: "data", CodecTag: "tmcd"},
		{Index: 6, Type: "data", CodecTag: "text"},
		{Index: 7, Type: "video", Codec: "h264", StartPTS: -5},
	}}
	require.Equal(t, []string{
		"audio track 2 (adpcm_ima_qt) becomes flac: MKV does not hold it as it is",
		"subtitle track 3 (mov_text, eng) becomes subrip",
		"subtitle track 4 (eia_608) is left out: MKV does not hold it",
		"data 5 is left out: it is neither sound nor picture nor text",
		"video track 7 (h264) is left out: it begins before the file does (edit list)",
	}, limits(f, containerMKV))
	require.Len(t, limits(f, containerMP4), 3)
	f.Format.Name = "matroska,webm"
	require.Empty(t, limits(f, containerMKV), "Matroska holds all that Matroska holds")
}
