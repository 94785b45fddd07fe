package farm_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

// part of a film's pictures, in a frame of 320×180: what is lit, for some seconds.
type part struct {
	lit     string // a source of ffmpeg's; empty: black
	x, y    int
	seconds int
}

// barred makes a film of 320×180 pictures that show one part after the other, with a key frame every second.
func barred(t *testing.T, name string, options []string, more string, parts ...part) string {
	t.Helper()
	var graph strings.Builder
	var labels string
	for i, p := range parts {
		fmt.Fprintf(&graph, "color=c=black:s=320x180:r=25:d=%d,format=yuv444p[b%d];", p.seconds, i)
		if p.lit == "" {
			fmt.Fprintf(&graph, "[b%d]null[v%d];", i, i)
		} else {
			fmt.Fprintf(&graph, "%s,format=yuv444p[l%d];[b%d][l%d]overlay=x=%d:y=%d:format=yuv444:shortest=1[v%d];", p.lit, i,
				i, i, p.x, p.y, i)
		}
		labels += fmt.Sprintf("[v%d]", i)
	}
	fmt.Fprintf(&graph, "%sconcat=n=%d%s,format=yuv420p[out]", labels, len(parts), more)
	path := filepath.Join(t.TempDir(), name)
	args := append([]string{"-v", "error", "-nostdin", "-filter_complex", graph.String(), "-map", "[out]"}, options...)
	out, err := exec.Command("ffmpeg", append(args, path)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

var h264 = []string{"-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-g", "25"}

func TestBlackBarsAreCutOff(t *testing.T) {
	t.Parallel()
	picture := func(w, h int) string { return fmt.Sprintf("testsrc2=s=%dx%d:r=25", w, h) }
	for _, c := range []struct {
		name  string
		parts []part
		want  pipeline.Rect
	}{
		{"letterbox", []part{{picture(320, 132), 0, 24, 6}}, pipeline.Rect{Width: 320, Height: 132, Y: 24}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFarm(t, calmTerms+fast+"crop = \"auto\"\n")
			f.start("run", "--slots", "2")
			source := barred(t, "a.mkv", h264, "", c.parts...)
			f.drop(source, "a.mkv")
			j := f.job(pipeline.Done, pipeline.JobFailed)
			require.Equal(t, pipeline.Done, j.State, j.Error)
			out := filepath.Join(f.dir, j.Output)
			require.Equal(t, corpus.PTS(t, source), corpus.PTS(t, out))
			v := probed(t, out).Video()[0]
			require.Equal(t, []int{c.want.Width, c.want.Height}, []int{v.Width, v.Height}, j.Notes)
			require.Greater(t, psnr(t, source, "crop="+c.want.String()+":exact=1", out), 30.0)
		})
	}
}

var averagePSNR = regexp.MustCompile(`average:([0-9.]+|inf)`)

// psnr compares all frames of a source, behind a filter, with those of an output, and returns the least of them.
func psnr(t *testing.T, source, filter, output string) float64 {
	t.Helper()
	tools, err := media.Find(nil)
	require.NoError(t, err)
	out, err := exec.Command(tools.FFmpeg, "-nostdin", "-i", source, "-i", output, "-filter_complex",
		"[0:v]"+filter+",setpts=N[a];[1:v]setpts=N[b];[a][b]psnr", "-f", "null", "-").CombinedOutput()
	require.NoError(t, err, "%s", out)
	m := averagePSNR.FindStringSubmatch(string(out))
	require.NotNil(t, m, "%s", out)
	if m[1] == "inf" {
		return 100
	}
	db, err := strconv.ParseFloat(m[1], 64)
	require.NoError(t, err)
	return db
}
