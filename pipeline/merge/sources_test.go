package merge

import (
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

func findTools(t *testing.T) media.Tools {
	t.Helper()
	tools, err := media.Find(slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return tools
}

func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	require.NoError(t, err, "%s %s\n%s", program, strings.Join(args, " "), out)
	return string(out)
}

func ffmpeg(t *testing.T, args string, more ...string) {
	t.Helper()
	run(t, "ffmpeg", slices.Concat([]string{"-nostdin", "-v", "error", "-y"}, strings.Fields(args), more)...)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

const (
	ass = "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: " +
		"Default,Sans,20\n\n[Events]\n" +
		"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n" +
		"Dialogue: 0,0:00:00.50,0:00:01.50,Default,,0,0,0,,{\\i1}un{\\i0} — 日本\nDialogue: " +
		"0,0:00:02.00,0:00:02.90,Default,,0,0,0,,deux\n"
	chapterText = "CHAPTER01=00:00:00.000\nCHAPTER01NAME=Opening\nCHAPTER02=00:00:01.501\nCHAPTER02NAME=Été\n"
	tagText     = `<?xml version="1.0"?><Tags><Tag><Simple><Name>FANSUBBER</Name><String>a &amp; b</String></Simple></Tag></Tags>`
)

// fansub makes what people archive: High 10 video that is not the default track, two audio tracks, one
// of them delayed, ASS, a "font", a cover, chapters and tags.
func fansub(t *testing.T, dir string) string {
	t.Helper()
	in := func(name string) string { return filepath.Join(dir, name) }
	ffmpeg(t, "-f lavfi -i testsrc2=s=128x72:r=24000/1001:d=3 -pix_fmt yuv420p10le -c:v libx264 -preset ultrafast -g 12 "+
		"-bf 2 -colorspace bt709", in("v.mkv"))
	ffmpeg(t, "-f lavfi -i sine=r=48000:d=3 -c:a flac", in("a1.flac"))
	ffmpeg(t, "-f lavfi -i sine=f=880:r=44100:d=3 -c:a aac", in("a2.m4a"))
	ffmpeg(t, "-f lavfi -i testsrc2=s=30x40:d=1 -frames:v 1", in("cover.jpg"))
	src := in("source.mkv")
	run(t, "mkvmerge", "-q", "-o", src, "--title", "Show — 01", "--global-tags", write(t, in("tags.xml"), tagText),
		"--chapter-language", "fre", "--chapters", write(t, in("ch.txt"), chapterText),
		"--language", "0:ja", "--track-name", "0:Video 10 bit", "--default-track-flag", "0:0", in("v.mkv"),
		"--language", "0:ja", "--track-name", "0:Stereo", in("a1.flac"),
		"--language", "0:en", "--track-name", "0:Dub", "--default-track-flag", "0:0", "--commentary-flag", "0:1", "--sync",
		"0:125", in("a2.m4a"),
		"--language", "0:fr", "--forced-display-flag", "0:1", write(t, in("s.ass"), ass),
		"--attachment-name", "cover.jpg", "--attachment-mime-type", "image/jpeg", "--attach-file", in("cover.jpg"),
		"--attachment-name", "Fönt.ttf", "--attachment-mime-type", "application/x-truetype-font", "--attach-file",
		write(t, in("f"), "any bytes"))
	return src
}

// vfr makes a Matroska file whose first frame is late and whose frames are uneven.
func vfr(t *testing.T, dir string) string {
	t.Helper()
	v, src := filepath.Join(dir, "v.mkv"), filepath.Join(dir, "source.mkv")
	ffmpeg(t, "-f lavfi -i testsrc2=s=64x48:r=25:d=3 -f lavfi -i sine=r=48000:d=6 -c:v libx264 -preset ultrafast -g 10 "+
		"-bf 2 -c:a aac", v)
	text, at := "# timestamp format v2\n", 777
	for i := range 75 {
		text += fmt.Sprintln(at)
		at += []int{1, 7, 16, 41, 42, 120}[i%6]
		if i == 40 {
			at += 2000
		}
	}
	run(t, "mkvmerge", "-q", "-o", src, "--timestamps", "0:"+write(t, filepath.Join(dir, "t.txt"), text), v)
	return src
}

// edited makes an MP4 whose edit lists hide the start of both tracks, with B-frames, timed text, a
// cover, chapters and a title.
func edited(t *testing.T, dir string) string {
	t.Helper()
	in := func(name string) string { return filepath.Join(dir, name) }
	ffmpeg(t, "-f lavfi -i testsrc2=s=64x48:r=24000/1001:d=4 -f lavfi -i sine=r=48000:d=4 -i",
		write(t, in("s.srt"), "1\n00:00:02,000 --> 00:00:02,500\nHello\n\n2\n00:00:03,100 --> 00:00:03,500\nBye\n"),
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "24", "-bf", "2", "-c:a", "aac", "-c:s", "mov_text",
		"-metadata:s:a:0", "language=eng", in("whole.mp4"))
	ffmpeg(t, "-f lavfi -i testsrc2=s=30x40:d=1 -frames:v 1", in("cover.jpg"))
	src := in("source.mp4")
	ffmpeg(t, "-ss 0.7 -i", in("whole.mp4"), "-i", in("cover.jpg"), "-i",
		write(t, in("meta.txt"), ";FFMETADATA1\ntitle=A "+
			"title\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=3000\ntitle=Two\n"),
		"-map", "0", "-map", "1", "-map_metadata", "2", "-map_chapters", "2", "-c", "copy", "-disposition:v:1",
		"attached_pic", src)
	return src
}

// job is a plan with its results, all of one test.
type job struct {
	tools media.Tools
	req   Request
}

// encode plans a source and encodes its chunks, about three, by hand.
func encode(t *testing.T, src, container string) *job {
	t.Helper()
	j := &job{tools: findTools(t)}
	dir := filepath.Join(t.TempDir(), "it's [a] \"place\" é")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "work"), 0o700))
	file, err := j.tools.Probe(t.Context(), src)
	require.NoError(t, err)
	video := file.Video()[0]
	packets, err := j.tools.Packets(t.Context(), src, video.Index)
	require.NoError(t, err)
	pts, err := packets.Frames()
	require.NoError(t, err)
	plan := &pipeline.Plan{
		Job: "abcdef01-k3f9z", Timing: pipeline.Timing{Muxer: "mp4", Timescale: video.TimeBase.Den}, Frames: len(pts),
		Settings: pipeline.Settings{Container: pipeline.Container(container)},
		Video:    pipeline.Video{Index: video.Index, TimeBase: video.TimeBase},
	}
	if isMatroska(file) && container == containerMKV {
		plan.Muxer, plan.Timescale = "matroska", 0
	}
	j.req = Request{Plan: plan, Source: src, Out: filepath.Join(dir, "out"), WorkDir: filepath.Join(dir, "work")}
	for i, part := range [][]int64{pts[:len(pts)/3], pts[len(pts)/3 : len(pts)/2], pts[len(pts)/2:]} {
		plan.Chunks = append(plan.Chunks, pipeline.Chunk{Index: i, Start: part[0], End: part[len(part)-1] + 1,
			PTS: pipeline.NewTimestamps(part...)})
		j.req.Results = append(j.req.Results, filepath.Join(dir, fmt.Sprintf("c%d.enc", i)))
		j.encodeChunk(t, i, "stitchable=1")
	}
	j.readCRCs(t)
	return j
}

func (j *job) encodeChunk(t *testing.T, i int, params string) {
	t.Helper()
	c := j.req.Plan.Chunks[i]
	args := []string{"-map", "0:v:0", "-map_metadata", "-1", "-map_chapters", "-1", "-vf",
		fmt.Sprintf("trim=start_pts=%d:end_pts=%d", c.Start, c.End),
		"-fps_mode", "passthrough", "-enc_time_base", strings.ReplaceAll(j.req.Plan.Video.TimeBase.String(), "/", ":"),
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-pix_fmt", "yuv420p",
		"-x264-params", params, "-avoid_negative_ts", "disabled"}
	if scale := fmt.Sprint(j.req.Plan.Timescale); j.req.Plan.Muxer == "mp4" {
		args = append(args, "-video_track_timescale", scale, "-movie_timescale", scale)
	}
	ffmpeg(t, "-noautorotate -copyts -i", append(append([]string{j.req.Source}, args...), "-f", j.req.Plan.Muxer,
		j.req.Results[i])...)
}

func (j *job) readCRCs(t *testing.T) {
	t.Helper()
	j.req.CRCs = nil
	for _, path := range j.req.Results {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		j.req.CRCs = append(j.req.CRCs, fmt.Sprintf("%08x", crc32.ChecksumIEEE(data)))
	}
}

func (j *job) merge(t *testing.T) *Output {
	t.Helper()
	out, err := Merge(t.Context(), j.tools, j.req)
	if out != nil && out.Report != nil {
		t.Logf("\n%s%s", out.Report.Text(), strings.Join(j.limits(t), "\n"))
	}
	require.NoError(t, err)
	return out
}

func (j *job) limits(t *testing.T) []string {
	t.Helper()
	notes, err := Limits(t.Context(), j.tools, j.req.Source, probe(t, j.req.Source), j.req.Plan.Settings)
	require.NoError(t, err)
	return notes
}
