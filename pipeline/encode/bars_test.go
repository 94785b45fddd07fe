package encode_test

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/split"
)

// in is a picture with bars around it, in a frame of 320×180.
func in(picture, bars string) string { return picture + ",setsar=1,pad=320:180:" + bars }

// shown are some seconds of pictures in a frame of 320×180, one after the other.
func shown(t *testing.T, name string, encoder []string, parts ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args := []string{"-v", "error", "-nostdin"}
	var graph, labels string
	for i, p := range parts {
		graph += p + ",format=yuv444p[v" + string(rune('0'+i)) + "];"
		labels += "[v" + string(rune('0'+i)) + "]"
	}
	graph += labels + "concat=n=" + string(rune('0'+len(parts)))
	args = append(append(args, "-filter_complex", graph), encoder...)
	out, err := exec.Command("ffmpeg", append(args, path)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// analysed measures all chunks of a planned source and decides its pictures.
func (j *job) analysed(t *testing.T) pipeline.Rect {
	t.Helper()
	require.Equal(t, pipeline.Bars, j.plan.Analysis)
	var lit pipeline.Rect
	for i := range j.plan.Chunks {
		b, record, err := encode.Bars(t.Context(), j.tools, j.request(i))
		require.NoError(t, err)
		l, err := encode.ReadLit(j.plan, i, b, record)
		require.NoError(t, err)
		lit = lit.Union(l.Part)
	}
	next := j.plan.After(make([]pipeline.ResultRef, len(j.plan.Chunks)))
	require.Empty(t, next.Analysis)
	require.NoError(t, split.Cropped(t.Context(), j.tools, next, lit, j.source, encode.Test))
	j.plan = next
	return lit
}

// The widest picture anywhere is kept, and nothing of it is lost.
func TestBars(t *testing.T) {
	const picture, wide, narrow = "testsrc2=s=320x132:d=0.4", "testsrc2=s=320x180:d=0.4", "testsrc2=s=240x180:d=0.4"
	const black, dark = "color=black:s=320x180:d=0.4", "color=0x181818:s=320x180:d=0.4,noise=alls=6:allf=t"
	// The letters of a subtitle, in a bar.
	const letters = ",drawbox=x=150:y=166:w=3:h=8:c=white:t=fill,drawbox=x=158:y=166:w=3:h=8:c=white:t=fill"
	x264 := func(pixels string, more ...string) []string {
		base := []string{"-pix_fmt", pixels, "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-g", "25"}
		return append(base, more...)
	}
	for name, c := range map[string]struct {
		encoder []string
		parts   []string
		keep    string // empty: all
	}{
		"letterbox":       {x264("yuv420p"), []string{in(picture, "0:24")}, "320:132:0:24"},
		"pillarbox":       {x264("yuv420p"), []string{in(narrow, "40:0")}, "240:180:40:0"},
		"window":          {x264("yuv420p"), []string{in("testsrc2=s=240x132:d=0.4", "40:24")}, "240:132:40:24"},
		"none":            {x264("yuv420p"), []string{wide}, ""},
		"mixed":           {x264("yuv420p"), []string{in(picture, "0:24"), wide, in(picture, "0:24")}, ""},
		"mixed both ways": {x264("yuv420p"), []string{in(picture, "0:24"), in(narrow, "40:0")}, ""},
		"one wide picture": {x264("yuv420p"),
			[]string{in(picture, "0:24"), "testsrc2=s=320x180:d=0.04", in(picture, "0:24")}, ""},
		"black intro":    {x264("yuv420p"), []string{black, black, in(picture, "0:24")}, "320:132:0:24"},
		"black all over": {x264("yuv420p"), []string{black}, ""},
		"dark all over":  {x264("yuv420p"), []string{dark}, ""},
		"dark scene": {x264("yuv420p"),
			[]string{in(picture+",eq=brightness=-0.45:contrast=0.2", "0:24"), dark, wide}, ""},
		"dark and bright": {x264("yuv420p"), []string{dark, in(picture, "0:24")}, "320:132:0:24"},
		"subtitle":        {x264("yuv420p"), []string{in(picture, "0:24"), in(picture, "0:24") + letters}, "320:150:0:24"},
		"noisy bars": {x264("yuv420p"), []string{in(picture, "0:24") + ",noise=c0s=4:c0f=t"},
			"320:132:0:24"},
		"odd offsets":  {x264("yuv420p"), []string{in("testsrc2=s=241x131:d=0.4", "39:25")}, "242:132:38:24"},
		"odd in 4:4:4": {x264("yuv444p"), []string{in("testsrc2=s=241x131:d=0.4", "39:25")}, "241:131:39:25"},
		"one line":     {x264("yuv420p"), []string{in("testsrc2=s=320x178:d=0.4", "0:1")}, ""},
		"two lines":    {x264("yuv420p"), []string{in("testsrc2=s=320x176:d=0.4", "0:2")}, "320:176:0:2"},
		"full range":   {x264("yuvj420p"), []string{in(picture, "0:24")}, "320:132:0:24"},
		"10 bit":       {x264("yuv420p10le"), []string{in(picture, "0:24")}, "320:132:0:24"},
		"10 bit, PQ": {x264("yuv420p10le", "-color_range", "tv", "-color_trc", "smpte2084",
			"-color_primaries", "bt2020", "-colorspace", "bt2020nc"),
			[]string{in(picture+",eq=brightness=-0.3:contrast=0.5", "0:24")}, "320:132:0:24"},
		"4:2:2":     {x264("yuv422p10le"), []string{in("testsrc2=s=241x131:d=0.4", "39:25")}, "242:131:38:25"},
		"RGB":       {[]string{"-pix_fmt", "gbrp", "-c:v", "ffv1"}, []string{in(picture, "0:24")}, "320:132:0:24"},
		"grey":      {[]string{"-pix_fmt", "gray", "-c:v", "ffv1"}, []string{in(picture, "0:24")}, "320:132:0:24"},
		"a logo":    {x264("yuv420p"), []string{in("color=white:s=24x24:d=0.4", "148:78")}, ""},
		"a phone's": {x264("yuv420p"), []string{in("testsrc2=s=102x180:d=0.4", "109:0")}, "104:180:108:0"},
		"mpeg2": {[]string{"-c:v", "mpeg2video", "-q:v", "6", "-pix_fmt", "yuv420p"},
			[]string{in(picture, "0:24")}, "320:132:0:24"},
	} {
		t.Run(name, func(t *testing.T) {
			path := shown(t, "a.mkv", c.encoder, c.parts...)
			settings := pipeline.Settings{Encoder: "x264", Options: lossless, Chunk: 1, Crop: pipeline.Crop{Auto: true}}
			j := mustPlan(t, path, settings)
			whole := j.plan.Out
			lit := j.analysed(t)
			t.Log(lit, strings.Join(j.plan.Notes, " "))
			filter := "null"
			if c.keep == "" {
				require.Equal(t, whole, j.plan.Out, "nothing is cut")
			} else {
				require.Equal(t, c.keep, j.plan.Out.Crop.String())
				require.Contains(t, strings.Join(j.plan.Notes, " "), "are kept")
				filter = "crop=" + c.keep + ":exact=1"
			}
			if !strings.Contains("window, odd offsets, odd in 4:4:4, 4:2:2", name) { // the filters are the same in all
				return
			}
			results, records := j.encodeAll(t)
			j.ownPictures(t, results, records)
			var got []string
			for _, r := range results {
				got = append(got, pictures(t, r, "null")...)
			}
			require.Equal(t, pictures(t, path, filter), got)
		})
	}
}

func TestResultsThatCannotBeAreRefused(t *testing.T) {
	path := shown(t, "a.mkv", []string{"-c:v", "libx264", "-preset", "veryfast"}, in("testsrc2=s=320x132:d=0.4", "0:24"))
	j := mustPlan(t, path, pipeline.Settings{Options: fast, Crop: pipeline.Crop{Auto: true}})
	b, record, err := encode.Bars(t.Context(), j.tools, j.request(0))
	require.NoError(t, err)
	require.JSONEq(t, `{"frames":10,"dark":0,"lit":{"width":320,"height":132,"x":0,"y":24}}`, string(b))
	_, err = encode.ReadLit(j.plan, 0, append(b, ' '), record)
	require.ErrorContains(t, err, "CRC-32")
	for _, bad := range []encode.Lit{
		{Frames: 9, Part: pipeline.Rect{Width: 320, Height: 132, Y: 24}},
		{Frames: 10, Dark: 11, Part: pipeline.Rect{Width: 320, Height: 132, Y: 24}},
		{Frames: 10, Dark: 10, Part: pipeline.Rect{Width: 320, Height: 132, Y: 24}},
		{Frames: 10}, {Frames: 10, Part: pipeline.Rect{Width: 320, Height: 132, Y: 49}},
		{Frames: 10, Part: pipeline.Rect{Width: -320, Height: -132, Y: 49}},
	} {
		b, err := json.Marshal(bad)
		require.NoError(t, err)
		r := *record
		r.CRC32 = crcOf(b)
		_, err = encode.ReadLit(j.plan, 0, b, &r)
		require.Error(t, err, "%+v", bad)
		require.NotContains(t, err.Error(), "CRC-32")
	}
	_, err = encode.ReadLit(j.plan, 0, []byte("{"), &pipeline.Record{CRC32: crcOf([]byte("{"))})
	require.ErrorContains(t, err, "can't be read")
}

func crcOf(b []byte) string { return fmt.Sprintf("%08X", crc32.ChecksumIEEE(b)) }
