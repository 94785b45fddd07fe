//go:build linux

package farm_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

func probed(t *testing.T, path string) *media.File {
	t.Helper()
	tools, err := media.Find(nil)
	require.NoError(t, err)
	f, err := tools.Probe(context.Background(), path)
	require.NoError(t, err)
	return f
}

// What a tablet wants, all at once: every frame still comes out at its time, and the report says what was changed.
func TestATabletsProfile(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+`
[profiles.tablet]
x264 = "--preset ultrafast --profile high --crf 24"
container = "mp4"
audio = "aac 96k"
subtitles = "none"
scale = "160x120"
deinterlace = "yes"
`)
	f.start("run", "--slots", "1")
	source := corpus.Make(t, "hi10p-fansub.mkv")
	require.NoError(t, os.MkdirAll(filepath.Join(f.dir, "inbox", "tablet"), 0o755))
	f.drop(source, filepath.Join("tablet", "a.mkv"))
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	out := filepath.Join(f.dir, j.Output)
	require.Equal(t, corpus.PTS(t, source), corpus.PTS(t, out))
	got := probed(t, out)
	v := got.Video()[0]
	require.Equal(t, []any{160, 90, "yuv420p", "h264"}, []any{v.Width, v.Height, v.PixFmt, v.Codec})
	var kinds []string
	for _, s := range got.Streams {
		if !s.AttachedPic() && s.Type != "data" { // MP4 keeps its chapters in a track
			kinds = append(kinds, s.Codec)
		}
	}
	require.Equal(t, []string{"h264", "aac", "aac"}, kinds)
	for _, name := range []string{"report.txt", "certificate.json"} {
		text, err := os.ReadFile(filepath.Join(f.dir, "jobs", j.ID, name))
		require.NoError(t, err)
		for _, said := range []string{"scaled from 320×180 to 160×90", "becomes AAC with 96kbit/s",
			"the profile wants no subtitles", "MP4 holds no attachments"} {
			require.Contains(t, string(text), said, name)
		}
	}
	require.NotContains(t, f.must("verify", "--profile", "tablet", source, out), "FAIL")
	require.Contains(t, f.fails(1, "verify", source, out), "name that with --profile")
}

// HDR10, the order of fields and a rotation are the output's as they were the source's.
func TestWhatPlayersGoByIsCarried(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	make := func(name string, args ...string) string {
		path := filepath.Join(dir, name)
		out, err := exec.Command("ffmpeg", append(append([]string{"-v", "error", "-nostdin"}, args...),
			path)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return path
	}
	hdr := make("hdr.mkv", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.4", "-pix_fmt", "yuv420p10le", "-c:v", "libx265",
		"-x265-params",
		"log-level=error:hdr10=1:repeat-headers=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:"+
			"master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400")
	tff := make("tff.mkv", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=50:d=0.4", "-vf", "interlace=scan=tff", "-c:v",
		"mpeg2video", "-flags", "+ildct+ilme")
	bff := make("bff.mkv", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=50:d=0.4", "-vf", "interlace=scan=bff", "-c:v",
		"libx264", "-x264-params", "bff=1")
	turned := make("turned.mp4", "-i", make("straight.mp4", "-f", "lavfi", "-i", "testsrc2=s=96x64:d=0.4", "-c:v",
		"libx264"), "-c", "copy", "-metadata:s:v:0", "rotate=90")
	tools, err := media.Find(nil)
	require.NoError(t, err)
	f := &farm{t: t}
	for _, source := range []string{hdr, tff, bff, turned} {
		out := filepath.Join(dir, "out-"+filepath.Base(source)+".mkv")
		f.must("encode", source, "-o", out, "--", "--preset", "ultrafast")
		was, err := tools.Head(context.Background(), source, media.FirstVideo, 3)
		require.NoError(t, err)
		is, err := tools.Head(context.Background(), out, media.FirstVideo, 3)
		require.NoError(t, err)
		require.Equal(t, []bool{was.Interlaced, was.TopFirst}, []bool{is.Interlaced, is.TopFirst}, source)
		a, b := probed(t, source).Streams[0], probed(t, out).Streams[0]
		require.Equal(t, a.Rotation, b.Rotation, source)
		require.Equal(t, a.HDR.Or(was.HDR), b.HDR.Or(is.HDR), source)
	}
	require.NotEmpty(t, probed(t, filepath.Join(dir, "out-hdr.mkv.mkv")).Streams[0].HDR.MasterDisplay)
}
