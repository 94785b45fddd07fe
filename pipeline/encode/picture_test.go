package encode_test

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/test/corpus"
)

// lossless shows what the filters made of each picture.
const lossless = "--preset ultrafast --qp 0"

// pictures hashes every decoded picture behind some filters.
func pictures(t *testing.T, path, filters string) []string {
	t.Helper()
	cmd := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-noautorotate", "-i", path, "-map", "0:v:0", "-vf", filters,
		"-fps_mode", "passthrough", "-f", "framehash", "-hash", "murmur3", "-")
	out, err := cmd.Output()
	require.NoError(t, err)
	var hashes []string
	for _, line := range strings.Split(string(out), "\n") {
		if f := strings.Split(line, ","); len(f) == 6 && f[0] == "0" {
			hashes = append(hashes, strings.TrimSpace(f[5]))
		}
	}
	return hashes
}

// interlaced makes a clip of 5 s with a keyframe every half second, in open GOPs.
func interlaced(t *testing.T, mode string, more ...string) string {
	args := []string{"-i", "testsrc2=s=96x64:r=50:d=5", "-vf", "interlace=scan=" + mode + ":lowpass=0,setfield=" + mode,
		"-c:v", "libx264", "-preset", "veryfast", "-x264-params", mode +
			"=1:keyint=12:min-keyint=1:scenecut=0:open-gop=1:bframes=2"}
	return source(t, append(args, more...)...)
}

// A deinterlacer looks at the pictures before and behind: the seams are as if nothing had been cut.
func TestDeinterlacedSeamsAreNoSeams(t *testing.T) {
	for _, name := range []string{"tff.mkv", "bff.mp4"} {
		path := interlaced(t, name[:3], name)
		j := mustPlan(t, path, pipeline.Settings{Encoder: "x264", Options: lossless, Chunk: 1, Pieces: "copy",
			Deinterlace: "yes"})
		require.True(t, j.plan.Out.Deinterlace)
		require.Len(t, j.plan.Chunks, 5)
		require.Contains(t, strings.Join(j.plan.Notes, " "), "is deinterlaced")
		results, records := j.encodeAll(t)
		j.ownPictures(t, results, records)
		var got []string
		for i, r := range results {
			got = append(got, pictures(t, r, "null")...)
			f, err := j.tools.Probe(context.Background(), r)
			require.NoError(t, err)
			require.Equal(t, "progressive", f.Streams[0].FieldOrder, i)
		}
		require.Equal(t, pictures(t, path, "bwdif=mode=send_frame:deint=interlaced"), got)
	}
}

func TestAMissingPictureInFrontIsFoundOut(t *testing.T) {
	j := mustPlan(t, interlaced(t, "tff", "a.mkv"), pipeline.Settings{Encoder: "x264", Options: lossless, Chunk: 1,
		Deinterlace: "yes"})
	req := j.request(2)
	req.Chunk.Seeks[0] = req.Chunk.Key + 132 // the chunk's own key packet, as if nothing in front were wanted
	rec, err := encode.Chunk(context.Background(), j.tools, req)
	require.NoError(t, err)
	require.Equal(t, "seek 2", rec.Method)
}

func TestScaledPictures(t *testing.T) {
	for name, c := range map[string]struct {
		filter, scale string
		w, h          int
		sar           pipeline.Rational
	}{
		"fits":            {"scale=320:180,setsar=1", "640x360", 320, 180, pipeline.Rational{Num: 1, Den: 1}},
		"too wide":        {"scale=320:134,setsar=1", "160x120", 160, 68, pipeline.Rational{Num: 1, Den: 1}},
		"too high":        {"scale=90:160,setsar=1", "160x80", 46, 80, pipeline.Rational{Num: 1, Den: 1}},
		"anamorphic":      {"scale=180:144,setsar=64/45", "128x128", 128, 72, pipeline.Rational{Num: 1, Den: 1}},
		"anamorphic fits": {"scale=180:144,setsar=64/45", "256x144", 180, 144, pipeline.Rational{Num: 64, Den: 45}},
		"narrow pixels":   {"scale=180:120,setsar=8/9", "160x120", 160, 120, pipeline.Rational{Num: 1, Den: 1}},
		"enlarged":        {"scale=160:90,setsar=1", "640x640 enlarge", 640, 360, pipeline.Rational{Num: 1, Den: 1}},
		"odd":             {"scale=161:121,setsar=1,format=yuv444p", "80x80", 80, 60, pipeline.Rational{Num: 1, Den: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			path := source(t, "-i", "testsrc2=s=64x64:d=0.2", "-vf", c.filter, "-c:v", "ffv1", "a.mkv")
			var scale pipeline.Scale
			require.NoError(t, scale.UnmarshalText([]byte(c.scale)))
			j := mustPlan(t, path, pipeline.Settings{Encoder: "x264", Options: fast + " --profile high", Scale: scale})
			require.Equal(t, []int{c.w, c.h}, []int{j.plan.Out.Width, j.plan.Out.Height})
			results, _ := j.encodeAll(t)
			f, err := j.tools.Probe(context.Background(), results[0])
			require.NoError(t, err)
			s := f.Streams[0]
			require.Equal(t, []int{c.w, c.h}, []int{s.Width, s.Height})
			require.Equal(t, c.sar, s.SAR)
		})
	}
}

func TestOddSizes(t *testing.T) {
	path := corpus.Make(t, "odd-size.mkv") // 321x181
	_, err := plan(t, path, pipeline.Settings{Encoder: "x264", Options: fast + " --profile high"})
	require.ErrorContains(t, err, `odd = "crop"`)
	for odd, size := range map[string][]int{"crop": {320, 180}, "pad": {322, 182}} {
		j := mustPlan(t, path, pipeline.Settings{Encoder: "x264", Options: fast + " --profile high", Odd: pipeline.Odd(odd)})
		results, records := j.encodeAll(t)
		j.ownPictures(t, results, records)
		f, err := j.tools.Probe(context.Background(), results[0])
		require.NoError(t, err)
		require.Equal(t, size, []int{f.Streams[0].Width, f.Streams[0].Height})
		require.Equal(t, corpus.Barcodes(t, path), corpus.Barcodes(t, results[0]), "nothing is moved")
		require.Contains(t, strings.Join(j.plan.Notes, " "), "The picture is 321×181")
	}
	j := mustPlan(t, path, pipeline.Settings{Encoder: "x264", Options: lossless + " --output-csp i444", Odd: "crop"})
	require.Equal(t, []int{321, 181}, []int{j.plan.Out.Width, j.plan.Out.Height}, "what needs no choice stays as it is")
}

// What is filled up repeats the edge, and what was there stays.
func TestPaddingRepeatsTheEdge(t *testing.T) {
	for format, csp := range map[string]string{"yuv420p": "i420", "yuv422p10le": "i422", "yuv444p": "i444"} {
		path := source(t, "-i", "testsrc2=s=34x18:d=0.2,format=yuv444p,crop=33:17:0:0:exact=1,format="+format, "-c:v", "ffv1",
			"-strict", "-2", "a.mkv")
		x264 := lossless + " --output-csp " + csp + " --tff" // which wants even heights too
		j := mustPlan(t, path, pipeline.Settings{Encoder: "x264", Options: x264, Odd: "pad"})
		require.Equal(t, "pad", j.plan.Out.Edge)
		results, _ := j.encodeAll(t)
		w, h := j.plan.Out.Width, j.plan.Out.Height
		require.Equal(t, pictures(t, path, "null"), pictures(t, results[0], "crop=33:17:0:0:exact=1"), format)
		line := func(y int) []string {
			return pictures(t, results[0], fmt.Sprintf("extractplanes=y,crop=%d:1:0:%d", w, y))
		}
		require.Equal(t, line(16), line(h-1))
		column := func(x int) []string {
			return pictures(t, results[0], fmt.Sprintf("extractplanes=y,crop=1:%d:%d:0", h, x))
		}
		require.Equal(t, column(32), column(w-1))
	}
}

// x264 wants four lines for 4:2:0 in fields; a deinterlaced picture needs only two.
func TestInterlacedHeights(t *testing.T) {
	path := source(t, "-i", "testsrc2=s=64x54:r=50:d=0.4", "-vf", "interlace=scan=bff:lowpass=0,setfield=bff", "-c:v",
		"ffv1", "a.mkv")
	_, err := plan(t, path, pipeline.Settings{Encoder: "x264", Options: fast + " --profile high"})
	require.ErrorContains(t, err, "interlaced yuv420p needs a width and height that 2 and 4 divide")
	j := mustPlan(t, path, pipeline.Settings{Encoder: "x264", Options: fast + " --profile high", Odd: "crop"})
	require.Equal(t, 52, j.plan.Out.Height)
	j.encodeAll(t)
	j = mustPlan(t, path, pipeline.Settings{Encoder: "x264", Options: fast + " --profile high", Deinterlace: "yes"})
	require.Equal(t, 54, j.plan.Out.Height)
	j.encodeAll(t)
}

// What a refusal of a small picture says to set is taken as it stands, and is enough.
func TestTheWayOutOfSmallPicturesLeadsOut(t *testing.T) {
	said := regexp.MustCompile(`set scale = "([^"]+)"`)
	for name, c := range map[string]struct{ filters, scale string }{
		"small":             {"scale=32:18,setsar=1", "none"},
		"wide pixels":       {"scale=160:48,setsar=16/11", "none"},
		"within a box":      {"scale=160:48,setsar=1", "70x66"},
		"enlarged too less": {"scale=160:48,setsar=16/11", "128x128 enlarge"},
	} {
		t.Run(name, func(t *testing.T) {
			path := source(t, "-i", "testsrc2=d=0.2", "-vf", c.filters, "-c:v", "ffv1", "a.mkv")
			set := pipeline.Settings{Encoder: "svtav1", Options: "--preset 12 --color-format 1"}
			require.NoError(t, set.Scale.UnmarshalText([]byte(c.scale)))
			_, err := plan(t, path, set)
			var refusal *pipeline.Refusal
			require.ErrorAs(t, err, &refusal)
			m := said.FindStringSubmatch(refusal.Reason)
			require.NotNil(t, m, refusal.Reason)
			require.NoError(t, set.Scale.UnmarshalText([]byte(m[1])))
			j := mustPlan(t, path, set)
			require.Equal(t, 64, min(j.plan.Out.Width, j.plan.Out.Height), m[1])
		})
	}
}
