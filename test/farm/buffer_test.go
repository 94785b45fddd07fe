//go:build linux

package farm_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/test/corpus"
)

// scenes makes a film of scenes that are as unlike as can be, the last one noise, in Matroska with ticks of a
// millisecond. varies: every fifth picture is left out.
func scenes(t *testing.T, varies bool) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "scenes.mkv")
	pick := "null"
	if varies {
		pick = "select='mod(n\\,5)'"
	}
	const size = "s=320x180:r=24000/1001"
	args := []string{"-v", "error"}
	for _, in := range []string{
		"testsrc2=" + size, "mandelbrot=" + size, "color=c=gray:" + size, "testsrc2=" + size, "life=mold=9:" + size,
		"color=c=gray:" + size,
	} {
		args = append(args, "-f", "lavfi", "-t", "5", "-i", in)
	}
	noise := "[1:v]zoompan=d=1:s=320x180:fps=24000/1001,noise=alls=20:allf=t[b];[5:v]noise=alls=60:allf=t[f];" +
		"[0:v]format=yuv420p[a];[2:v]format=yuv420p[c];[3:v]hue=s=0,format=yuv420p[d];[4:v]scale=320:180,format=yuv420p[e];" +
		"[b]format=yuv420p,setsar=1[b];[f]format=yuv420p,setsar=1[f];[a]setsar=1[a];[c]setsar=1[c];[d]setsar=1[d];" +
		"[e]setsar=1[e];[a][b][c][d][e][f]concat=n=6," + pick + "[v]"
	args = append(args, "-filter_complex", noise, "-map", "[v]", "-fps_mode", "passthrough", "-c:v", "libx264", "-preset",
		"ultrafast", "-crf", "4", "-g", "24", "-bf", "2", out)
	b, err := exec.Command("ffmpeg", args...).CombinedOutput()
	require.NoError(t, err, string(b))
	return out
}

// bucket plays packets into a decoder's buffer, as ffprobe lists them in a file, and counts the pictures that come too
// late. It knows nothing of chunks, and goes by the clock: a picture is decoded when all before it in the file were
// shown for as long as they are. kbit/s, kbit, and the part of it that is filled when the first one is decoded.
func bucket(t *testing.T, path string, rate, size, start float64) (late int, lowest float64) {
	t.Helper()
	b, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time,size",
		"-of", "csv=p=0", path).Output()
	require.NoError(t, err)
	var shown, sizes []float64
	for line := range strings.Lines(string(b)) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		at, err := strconv.ParseFloat(fields[0], 64)
		require.NoError(t, err)
		n, err := strconv.ParseFloat(fields[1], 64)
		require.NoError(t, err)
		shown, sizes = append(shown, at), append(sizes, 8*n)
	}
	next := map[float64]float64{}
	inOrder := slices.Sorted(slices.Values(shown))
	last := len(inOrder) - 1
	for i := range inOrder[:last] {
		next[inOrder[i]] = inOrder[i+1]
	}
	next[inOrder[last]] = 2*inOrder[last] - inOrder[last-1] // pictures that are shown before it may be decoded behind it
	fill := start * size * 1000
	lowest = fill
	for i, bits := range sizes {
		if fill -= bits; fill < 0 {
			late++
		}
		lowest = min(lowest, fill)
		fill = min(max(fill, 0)+(next[shown[i]]-shown[i])*rate*1000, size*1000)
	}
	return late, lowest / (size * 1000)
}

// A decoder's buffer holds over the whole film, although no chunk knows what the one before has left in it.
func TestTheDecodersBufferHoldsAcrossSeams(t *testing.T) {
	t.Parallel()
	steady, varying := scenes(t, false), scenes(t, true)
	films := map[string]struct {
		source, ending, options string
		rate, size              float64
	}{
		"narrow":  {steady, "mkv", `x264 = "--preset veryfast --crf 14 --vbv-maxrate 300 --vbv-bufsize 300"`, 300, 300},
		"full":    {steady, "mkv", `x264 = "--preset veryfast --crf 14 --vbv-maxrate 300 --vbv-bufsize 300 --vbv-init 0.9"`, 300, 300},
		"varying": {varying, "mp4", `x264 = "--preset veryfast --bitrate 350 --vbv-maxrate 400 --vbv-bufsize 200"`, 400, 200},
		"x265":    {steady, "mkv", `x265 = "--preset veryfast --crf 16 --vbv-maxrate 300 --vbv-bufsize 300"`, 300, 300},
	}
	conf := strings.Replace(calmTerms, `chunk = "2s"`, `chunk = "4s"`, 1)
	for name, c := range films {
		conf += fmt.Sprintf("[profiles.%s]\n%s\ncontainer = %q\n", name, c.options, c.ending)
	}
	f := newFarm(t, conf)
	f.start("run", "--slots", "2")
	for name, c := range films {
		f.drop(c.source, filepath.Join(name, name+".mkv"))
	}
	f.eventually("all films are done", func() bool {
		return len(f.done()) == len(films)
	})
	anew := 0
	for _, j := range f.done() {
		c := films[j.Profile]
		reports, err := filepath.Glob(filepath.Join(f.dir, "jobs", j.ID, "log", "*.json"))
		require.NoError(t, err)
		anew += len(reports)
		late, lowest := bucket(t, filepath.Join(f.dir, j.Output), c.rate, c.size, 0.9)
		t.Logf("%s: %d chunks, made anew %d times, %d pictures too late, %.1f%% full at the lowest", j.Profile,
			j.Chunks.Total, len(reports), late, 100*lowest)
		require.Zero(t, late, j.Profile)
		b, err := os.ReadFile(filepath.Join(f.dir, "jobs", j.ID, "certificate.json"))
		require.NoError(t, err)
		var cert merge.Certificate
		require.NoError(t, json.Unmarshal(b, &cert))
		require.NotNil(t, cert.Report.Buffer, j.Profile)
		require.Empty(t, cert.Report.Buffer.Late)
		require.InDelta(t, 100*lowest, cert.Report.Buffer.Lowest, 1, "%s, as the certificate has it", j.Profile)
	}
	require.Positive(t, anew, "not all chunks fitted at once")
}

// done are the jobs that are done.
func (f *farm) done() (done []pipeline.JobStatus) {
	for _, j := range f.status().Jobs {
		require.NotEqual(f.t, pipeline.JobFailed, j.State, j.Error)
		if j.State == pipeline.Done {
			done = append(done, j)
		}
	}
	return done
}

// What makes the test above worth anything: chunks that each count on a full buffer do not fit together.
func TestChunksThatCountOnAFullBufferOverrunIt(t *testing.T) {
	t.Parallel()
	source, dir := scenes(t, false), t.TempDir()
	var list strings.Builder
	for i := range 7 {
		chunk := filepath.Join(dir, fmt.Sprintf("%d.mkv", i))
		b, err := exec.Command("ffmpeg", "-v", "error", "-ss", fmt.Sprint(4*i), "-t", "4", "-i", source, "-c:v", "libx264",
			"-preset", "veryfast", "-crf", "14", "-x264-params", "vbv-maxrate=300:vbv-bufsize=300", chunk).CombinedOutput()
		require.NoError(t, err, string(b))
		fmt.Fprintf(&list, "file '%s'\n", chunk)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "list"), []byte(list.String()), 0o644))
	out := filepath.Join(dir, "out.mkv")
	b, err := exec.Command("ffmpeg", "-v", "error", "-f", "concat", "-safe", "0", "-i", filepath.Join(dir, "list"), "-c",
		"copy", out).CombinedOutput()
	require.NoError(t, err, string(b))
	late, _ := bucket(t, out, 300, 300, 0.9)
	t.Logf("%d pictures too late", late)
	require.Positive(t, late)
}

// What an encoder can't make any smaller comes out with a note, after a few tries; also where what each try may count
// on would stand in its headers, of which a film has one kind alone.
func TestABufferThatCannotHoldIsTold(t *testing.T) {
	t.Parallel()
	quiet := filepath.Join(t.TempDir(), "quiet.mkv") // but for its first half second
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-t", "0.5", "-i", "testsrc2=s=320x180:r=24", "-f",
		"lavfi", "-t", "6", "-i", "color=c=gray:s=320x180:r=24", "-filter_complex", "[0:v][1:v]concat", "-c:v", "libx264",
		"-preset", "ultrafast", "-crf", "4", "-g", "24", quiet).CombinedOutput()
	require.NoError(t, err, string(out))
	const tight = "--preset ultrafast --crf 2 --qpmax 8 --vbv-maxrate 60 --vbv-bufsize 60"
	for name, c := range map[string]struct{ source, options string }{
		"plain": {corpus.Film(t, 3), tight}, "hrd": {quiet, tight + " --nal-hrd vbr"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFarm(t, calmTerms+fmt.Sprintf("[profiles.default]\nx264 = %q\n", c.options))
			f.start("run", "--slots", "2")
			f.drop(c.source, "film.mkv")
			f.eventually("the film is done", func() bool { return len(f.done()) == 1 })
			j := f.done()[0]
			exact(t, c.source, filepath.Join(f.dir, j.Output))
			require.Contains(t, strings.Join(j.Notes, " "), "does not hold: pictures come too late in chunks 00000")
			require.NotEmpty(t, f.certificate(j.ID).Report.Buffer.Late)
			require.Zero(t, j.Retries, "no attempt has failed")
			reports, err := filepath.Glob(filepath.Join(f.dir, "jobs", j.ID, "log", j.ID+".00000.*.json"))
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(reports), 5) // a second copy of an attempt has its own
			require.LessOrEqual(t, len(reports), 10)
			require.Contains(t, f.must("status", j.ID), "does not hold")
		})
	}
}
