//go:build linux

package farm_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

const cropped = fast + "crop = \"auto\"\n"

// barred makes a film of 320×180 pictures that shows one part after the other, with a key frame every second.
func barred(t *testing.T, name string, options []string, parts ...string) string {
	t.Helper()
	var graph, labels strings.Builder
	for i, p := range parts {
		fmt.Fprintf(&graph, "%s,format=yuv444p[v%d];", p, i)
		fmt.Fprintf(&labels, "[v%d]", i)
	}
	fmt.Fprintf(&graph, "%sconcat=n=%d", &labels, len(parts))
	path := filepath.Join(t.TempDir(), name)
	args := append([]string{"-v", "error", "-nostdin", "-filter_complex", graph.String(), "-g", "25"}, options...)
	out, err := exec.Command("ffmpeg", append(args, path)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

const (
	letterbox = "testsrc2=s=320x132:r=25:d=4,setsar=1,pad=320:180:0:24"
	letters   = ",drawbox=x=150:y=166:w=3:h=8:c=white:t=fill,drawbox=x=158:y=166:w=3:h=8:c=white:t=fill"
	wide      = "testsrc2=s=320x180:r=25:d=2"
	blackness = "color=black:s=320x180:r=25:d=3"
)

// What comes out is what any picture of the film shows, and nothing of it is lost, moved or put into another shape.
func TestBlackBarsAreCutOff(t *testing.T) {
	t.Parallel()
	h264 := []string{"-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "8"}
	hdr := []string{"-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
		"log-level=error:crf=8:hdr10=1:repeat-headers=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:" +
			"master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400"}
	anamorphic := append([]string{"-aspect", "2.4"}, h264...)
	interlaced := append([]string{"-flags", "+ildct+ilme", "-x264-params", "tff=1"}, h264...)
	for name, c := range map[string]struct {
		options []string
		parts   []string
		keep    string
	}{
		"intro.mkv":      {h264, []string{blackness, letterbox, letterbox + letters}, "320:150:0:24"},
		"mixed.mkv":      {h264, []string{letterbox, wide, letterbox}, "320:180:0:0"},
		"hdr.mkv":        {hdr, []string{letterbox}, "320:132:0:24"},
		"anamorphic.mkv": {anamorphic, []string{letterbox}, "320:132:0:24"},
		"turned.mp4":     {h264, []string{letterbox}, "320:132:0:24"},
		"fields.mkv": {interlaced, []string{"testsrc2=s=241x131:r=50:d=4,setsar=1,pad=320:180:39:25,interlace=lowpass=0"},
			"242:132:38:24"},
		"odd.mkv": {h264, []string{"testsrc2=s=241x131:r=25:d=4,setsar=1,pad=320:180:39:25"}, "242:132:38:24"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFarm(t, calmTerms+cropped)
			f.start("run", "--slots", "1")
			source := barred(t, name, c.options, c.parts...)
			if name == "turned.mp4" { // ffmpeg 5.1 writes that only where it copies
				straight := source
				source = filepath.Join(filepath.Dir(source), "a.mp4")
				out, err := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-i", straight, "-c", "copy", "-metadata:s:v:0",
					"rotate=90", source).CombinedOutput()
				require.NoError(t, err, "%s", out)
			}
			f.must("add", source)
			j := f.job(pipeline.Done, pipeline.JobFailed)
			require.Equal(t, pipeline.Done, j.State, j.Error)
			out := filepath.Join(f.dir, j.Output)
			require.Equal(t, corpus.PTS(t, source), corpus.PTS(t, out))
			was, is := probed(t, source).Video()[0], probed(t, out).Video()[0]
			require.Equal(t, c.keep[:strings.LastIndex(c.keep[:strings.LastIndex(c.keep, ":")], ":")],
				fmt.Sprintf("%d:%d", is.Width, is.Height), j.Notes)
			require.Equal(t, []any{was.SAR, was.Rotation}, []any{is.SAR, is.Rotation})
			require.Equal(t, name == "turned.mp4", is.Rotation != 0)
			require.Equal(t, name == "hdr.mkv", is.HDR.MasterDisplay != "")
			require.Equal(t, c.keep != "320:180:0:0", strings.Contains(strings.Join(j.Notes, " "), "are kept"))
			require.Greater(t, leastPSNR(t, source, "crop="+c.keep+":exact=1", out), 28.0)
			told := f.must("verify", "--quality", "--certificate", filepath.Join(f.dir, "jobs", j.ID, "certificate.json"),
				source, out)
			require.Equal(t, c.keep != "320:180:0:0", strings.Contains(told, "the part that was kept"), told)
		})
	}
}

// What was cut off by hand stands in the profile, and a film that was encoded without a share has no certificate.
func TestAFilmThatWasCroppedByHandIsVerified(t *testing.T) {
	t.Parallel()
	f, dir := &farm{t: t}, t.TempDir()
	conf, out := filepath.Join(dir, "distenc.toml"), filepath.Join(dir, "out.mkv")
	text := "[profiles.narrow]\nx264 = '--preset ultrafast'\ncrop = '242:132:38:24'"
	require.NoError(t, os.WriteFile(conf, []byte(text), 0o644))
	source := corpus.Film(t, 3)
	f.must("--config", conf, "encode", source, "--profile", "narrow", "-o", out)
	told := f.must("--config", conf, "verify", "--quality", "--profile", "narrow", source, out)
	require.Contains(t, told, "242×132 were compared, from 38, 24 on: the part that was kept")
	told = f.must("verify", "--quality", source, out)
	require.Contains(t, told, "name the job's certificate.json with --certificate, or its profile")
}

var leastOfFrames = regexp.MustCompile(` min:([0-9.]+|inf)`)

// leastPSNR compares each frame of a source, behind a filter, with that of an output. It is in dB, of the worst frame.
func leastPSNR(t *testing.T, source, filter, output string) float64 {
	t.Helper()
	tools, err := media.Find(nil)
	require.NoError(t, err)
	const numbered = ",settb=1/1000,setpts=N"
	out, err := exec.Command(tools.FFmpeg, "-nostdin", "-noautorotate", "-i", source, "-noautorotate", "-i", output,
		"-filter_complex", "[0:v]"+filter+numbered+"[a];[1:v]null"+numbered+"[b];[a][b]psnr",
		"-f", "null", "-").CombinedOutput()
	require.NoError(t, err, "%s", out)
	m := leastOfFrames.FindStringSubmatch(string(out))
	require.NotNil(t, m, "%s", out)
	db, err := strconv.ParseFloat(m[1], 64)
	require.NoError(t, err)
	return db
}

// holdMeasuring lets no chunk be measured by processes that are started from now on, until release is called.
func (f *farm) holdMeasuring() (release func()) {
	return f.holdFFmpeg(`*hstack*) while [ -e '%[2]s' ]; do sleep 0.02; done`)
}

// A worker is killed while it measures, a master when half is measured and again when the plan is there: the film comes
// out once, by one plan, which is made of results that were accepted.
func TestKilledWhileAFilmIsAnalysed(t *testing.T) {
	t.Parallel()
	f := newFarm(t, shortTerms+cropped)
	master := f.start("master")
	release := f.holdMeasuring()
	killed := f.start("worker", "--slots", "1")
	source := barred(t, "a.mkv", []string{"-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast"}, blackness,
		letterbox, letterbox, letterbox)
	f.must("add", source)
	f.one("chunks/claimed/*-bars.*")
	j := f.job(pipeline.Analysing)
	require.Zero(t, j.Frames.Done)
	require.Contains(t, f.must("status"), "analysing")
	killed.kill()
	release()
	unhold := f.hold()
	f.start("worker", "--slots", "1")
	f.eventually("half of it is measured", func() bool {
		s := f.status().Jobs[0]
		return s.State == pipeline.Analysing && s.Chunks.Done >= s.Chunks.Total/2 || s.State == pipeline.InWork
	})
	master.kill()
	master = f.start("master")
	fs, err := sharefs.Open(f.dir)
	require.NoError(t, err)
	f.eventually("a plan", func() bool { _, err := pipeline.LoadPlan(fs, j.ID); return err == nil })
	made, err := os.ReadFile(filepath.Join(f.dir, "jobs", j.ID, "plan.json"))
	require.NoError(t, err)
	master.kill()
	f.start("master")
	f.one("chunks/claimed/*")
	plan, err := pipeline.LoadPlan(fs, j.ID)
	require.NoError(t, err)
	for i, r := range plan.Analysed[0].Results {
		c, ok := r.File()
		require.True(t, ok)
		require.Equal(t, i, c.Chunk)
		require.FileExists(t, filepath.Join(f.dir, c.Path()), "accepted, and kept until the job ends")
		b, err := os.ReadFile(filepath.Join(f.dir, c.Result()))
		require.NoError(t, err)
		require.Len(t, b, int(r.Size))
	}
	unhold()
	j = f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	now, err := os.ReadFile(filepath.Join(f.dir, "jobs", j.ID, "plan.json"))
	require.NoError(t, err)
	require.Equal(t, string(made), string(now), "a plan never changes")
	out := filepath.Join(f.dir, j.Output)
	require.Equal(t, corpus.PTS(t, source), corpus.PTS(t, out))
	v := probed(t, out).Video()[0]
	require.Equal(t, []int{320, 132}, []int{v.Width, v.Height})
	outs, err := filepath.Glob(filepath.Join(f.dir, "outbox", "*"))
	require.NoError(t, err)
	require.Len(t, outs, 1)
	f.nothingLeft()
}

// Bars are cut off before the film is measured for its size, so that no byte is counted on for them.
func TestOneAnalysisFollowsAnother(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+"[profiles.default]\nx264 = \"--preset ultrafast\"\ncrop = \"auto\"\nsize = \"150k\"\n")
	f.start("run", "--slots", "2")
	source := barred(t, "a.mkv", []string{"-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast"},
		"testsrc2=s=320x132:r=25:d=4,noise=c0s=20:c0f=t,setsar=1,pad=320:180:0:24", letterbox, letterbox)
	f.must("add", source)
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	fs, err := sharefs.Open(f.dir)
	require.NoError(t, err)
	bars, err := pipeline.LoadPlanFor(fs, j.ID, pipeline.Bars)
	require.NoError(t, err)
	rate, err := pipeline.LoadPlanFor(fs, j.ID, pipeline.Rate)
	require.NoError(t, err)
	plan, err := pipeline.LoadPlan(fs, j.ID)
	require.NoError(t, err)
	require.Equal(t, 180, bars.Out.Height)
	require.Equal(t, 132, rate.Out.Height, "it is measured as it will be encoded")
	require.Equal(t, rate.Analysed, plan.Analysed[:1])
	require.Equal(t, pipeline.Rate, plan.Analysed[1].Analysis)
	require.Len(t, plan.Analysed[1].Results, len(plan.Chunks))
	out := filepath.Join(f.dir, j.Output)
	require.Equal(t, 132, probed(t, out).Video()[0].Height)
	require.Greater(t, leastPSNR(t, source, "crop=320:132:0:24:exact=1", out), 15.0)
	require.LessOrEqual(t, videoBytes(t, out), int64(150_000/8*12))
}
