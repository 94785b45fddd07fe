package corpus

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Source is one entry of the corpus.
type Source struct {
	Name   string // the file's name, odd ones included
	About  string // what is nasty about it
	Frames int    // frames that a player shows; 0 where there is no video
	Whole  bool   // every frame must come out of an encode at its timestamp
	make   func(k *kit, out string)
}

// sources is the table of all of them. Lengths are such that each has several keyframes to cut at, or
// is nasty because it has none. 24000/1001 frames a second: 6 s are 144 frames.
var sources = []Source{
	{"h264-closed.mkv", "H.264, closed GOP, B-pyramid, AAC", 144, true, func(k *kit, out string) {
		k.videoAudio(out, picture{}, "aac", x264("keyint=48:bframes=3:open-gop=0")...)
	}},
	{"h264-open.mkv", "H.264, open GOP: recovery points with leading B-frames", 144, true, func(k *kit, out string) {
		k.videoAudio(out, picture{seed: 1}, "aac", x264("keyint=36:min-keyint=8:scenecut=0:bframes=3:open-gop=1")...)
	}},
	{"hevc-open.mkv", "HEVC, open GOP: RASL pictures after CRA", 144, true, func(k *kit, out string) {
		k.video(out, picture{seed: 2}, x265("keyint=48:min-keyint=12:open-gop=1:bframes=3")...)
	}},
	{"hi10p-fansub.mkv", "H.264 High 10, FLAC and delayed AAC, ASS and SRT, two fonts, cover, chapters, tags", 288, true,
		fansub},
	{"vfr.mkv", "timestamps from 777 ms on, of four frame rates, with jitter and a gap of 2 s", 144, true, vfrMatroska},
	{"vfr.mp4", "mixed rates and dropped frames in ticks of 1/90000, B-frames", 132, true, func(k *kit, out string) {
		// one frame of five is dropped in the first half, one of three in the second
		drop := `select='if(lt(t\,3)\,not(eq(mod(n\,5)\,3))\,not(eq(mod(n\,3)\,1)))'`
		p := picture{rate: "30000/1001", seed: 3, filters: drop}
		k.videoAudio(out, p, "aac", append(x264("keyint=48:bframes=3"), "-fps_mode", "passthrough", "-enc_time_base",
			"1:90000", "-video_track_timescale", "90000")...)
	}},
	{"bframes.mp4", "H.264, open GOP, in MP4 ticks of 1/24000", 144, true, func(k *kit, out string) {
		k.videoAudio(out, picture{seed: 1}, "aac", x264("keyint=36:scenecut=0:bframes=3:open-gop=1")...)
	}},
	{"editlist.mp4", "cut by copying from mid-GOP: an edit list hides the first frames", 88, true,
		func(k *kit, out string) {
			whole := k.path("whole.mp4")
			k.videoAudio(whole, picture{seed: 2}, "aac", x264("keyint=36:scenecut=0:bframes=3")...)
			k.ffmpeg("-ss", "2.3", "-i", whole, "-map", "0", "-c", "copy", "-fflags", "+bitexact", out)
		}},
	{"av1.mkv", "AV1, hierarchical", 96, true, func(k *kit, out string) {
		k.video(out, picture{seconds: 4, seed: 1}, "-c:v", "libsvtav1", "-preset", "12", "-crf", "35", "-g", "36")
	}},
	{"vp9.webm", "VP9 with hidden alternate reference frames, Opus", 96, true, func(k *kit, out string) {
		k.videoAudio(out, picture{seconds: 4, seed: 2}, "libopus", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used",
			"8", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-b:v", "400k", "-g", "36")
	}},
	{"prores.mov", "ProRes 4:2:2 10-bit, PCM", 72, true, func(k *kit, out string) {
		k.videoAudio(out, picture{seconds: 3, format: "yuv422p10le", seed: 3}, "pcm_s16le", "-c:v", "prores_ks", "-profile:v",
			"2")
	}},
	{"ffv1.mkv", "FFV1 whose later frames need the first one's contexts", 72, true, func(k *kit, out string) {
		k.video(out, picture{seconds: 3}, "-c:v", "ffv1", "-level", "3", "-g", "300", "-slicecrc", "1")
	}},
	{"one-frame.mkv", "a single frame", 1, true, frames(1)},
	{"two-frames.mkv", "two frames", 2, true, frames(2)},
	{`it's "q" [x] {y} %d日本 $HOME;ls&.mkv`, "a name full of what shells, printf and filters take for syntax", 48, true,
		short},
	{"new\nline.mkv", "a newline in the name", 48, true, short},
	{"-dash.mkv", "a name that looks like an option", 48, true, short},
	{"a:b.mkv", "a name that looks like a protocol", 48, true, short},
	{"latin1-\xe9.mkv", "a name that is not UTF-8", 48, true, short},
	{"infinite-gop.mkv", "a single keyframe", 96, true, func(k *kit, out string) {
		k.video(out, picture{seconds: 4, seed: 1}, x264("keyint=infinite:scenecut=0:bframes=3")...)
	}},
	{"intra-refresh.mkv", "one IDR, then recovery points only: keyframes that nothing can start at", 144, true,
		func(k *kit, out string) {
			k.video(out, picture{seed: 2}, x264("intra-refresh=1:keyint=36:bframes=0")...)
		}},
	{"h264-open.ts", "open GOP in MPEG-TS that starts at 10 h, AC-3", 150, true, func(k *kit, out string) {
		p := picture{rate: "25", seed: 3}
		k.videoAudio(out, p, "ac3", append(x264("open-gop=1:keyint=36:bframes=3"), "-output_ts_offset", "36000", "-muxdelay",
			"0")...)
	}},
	{"mpeg2.mpg", "MPEG-2, open GOP, in a program stream, MP2", 150, true, func(k *kit, out string) {
		k.videoAudio(out, picture{rate: "25"}, "mp2", "-c:v", "mpeg2video", "-b:v", "3M", "-g", "15", "-bf", "2", "-f", "vob")
	}},
	{"mpeg4.avi", "MPEG-4 ASP with B-frames in AVI, which knows no presentation times", 144, true,
		func(k *kit, out string) {
			k.video(out, picture{seed: 1}, "-c:v", "mpeg4", "-q:v", "4", "-bf", "2", "-g", "36")
		}},
	{"odd-size.mkv", "321x181 in 4:4:4: no 4:2:0 output can hold it", 72, false, func(k *kit, out string) {
		p := picture{seconds: 3, format: "yuv444p", filters: "pad=321:181"}
		k.video(out, p, x264("keyint=24")...)
	}},
	{"truncated.mkv", "cut off at 70 %, index lost", 0, false, func(k *kit, out string) {
		whole := k.path("whole.mkv")
		k.videoAudio(whole, picture{}, "aac", x264("keyint=36")...)
		data := k.read(whole)
		k.file(filepath.Base(out), data[:len(data)*7/10])
	}},
	{"audio-only.mka", "no video", 0, false, func(k *kit, out string) {
		k.ffmpeg("-f", "lavfi", "-i", "sine=d=3", "-c:a", "flac", "-fflags", "+bitexact", out)
	}},
	{"not-a-video.mkv", "a text", 0, false, func(k *kit, out string) {
		k.file(filepath.Base(out), []byte(strings.Repeat("hello\n", 100)))
	}},
	{"empty.mkv", "no byte at all", 0, false, func(k *kit, out string) { k.file(filepath.Base(out), nil) }},
}

func short(k *kit, out string) {
	k.video(out, picture{seconds: 2}, x264("keyint=24:bframes=2")...)
}

func frames(n int) func(k *kit, out string) {
	return func(k *kit, out string) {
		k.video(out, picture{seconds: 1}, append(x264("keyint=24"), "-frames:v", fmt.Sprint(n))...)
	}
}

// vfrMatroska gives each frame a timestamp of its own, in whole milliseconds.
func vfrMatroska(k *kit, out string) {
	plain := k.path("plain.mkv")
	k.videoAudio(plain, picture{seed: 3}, "aac", x264("keyint=36:bframes=3:open-gop=1")...)
	steps := []int{1, 7, 16, 17, 33, 41, 42, 83, 120}
	jitter := noise(5, 144)
	stamps := []string{"# timestamp format v2"}
	for i, t := 0, 777; i < 144; i++ {
		stamps = append(stamps, fmt.Sprint(t))
		t += steps[int(jitter[i])%len(steps)]
		if i == 60 {
			t += 2000
		}
	}
	list := k.file("ts.txt", []byte(strings.Join(stamps, "\n")+"\n"))
	k.mkvmerge(out, "--timestamps", "0:"+list, plain)
}

// fansub is what people who archive series have: everything that Matroska can carry.
func fansub(k *kit, out string) {
	v, jpn, eng := k.path("v.mkv"), k.path("jpn.flac"), k.path("eng.m4a")
	p := picture{seconds: 12, format: "yuv420p10le"}
	k.video(v, p, append(x264("keyint=48:bframes=5:ref=4"), "-profile:v", "high10",
		"-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv")...)
	k.ffmpeg("-f", "lavfi", "-i", "sine=f=440:r=48000:d=12", "-fflags", "+bitexact", "-flags:a", "+bitexact", jpn)
	k.ffmpeg("-f", "lavfi", "-i", "sine=f=880:r=44100:d=11", "-c:a", "aac", "-fflags", "+bitexact", "-flags:a",
		"+bitexact", eng)
	k.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=150x200:d=1", "-frames:v", "1", k.path("cover.jpg"))
	tracks := [][]string{
		{"--title", "Corpus show – 01", "--global-tags", k.file("tags.xml", []byte(fansubTags)), "--chapters",
			k.file("chapters.txt", []byte(fansubChapters))},
		{"--language", "0:jpn", "--track-name", "0:Video 10 bit", v},
		{"--language", "0:jpn", "--track-name", "0:Stereo FLAC", "--default-track", "0:yes", jpn},
		{"--language", "0:eng", "--track-name", "0:Dub", "--default-track", "0:no", "--sync", "0:125", eng},
		{"--language", "0:fre", "--track-name", "0:Full", "--default-track", "0:yes", "--forced-track", "0:yes",
			k.file("full.ass", []byte(fansubASS))},
		{"--language", "0:eng", "--default-track", "0:no", k.file("plain.srt", []byte(fansubSRT))},
		{"--attachment-name", "cover.jpg", "--attachment-mime-type", "image/jpeg", "--attach-file", k.path("cover.jpg")},
		{"--attachment-mime-type", "application/x-truetype-font", "--attach-file", k.file("Some Sans.ttf", noise(1, 40_000))},
		{"--attachment-mime-type", "application/vnd.ms-opentype", "--attach-file", k.file("Sérif.otf", noise(2, 30_000))},
	}
	k.mkvmerge(out, slices.Concat(tracks...)...)
}

const (
	fansubTags = `<?xml version="1.0"?>
<Tags><Tag><Targets><TargetTypeValue>50</TargetTypeValue></Targets>
<Simple><Name>TITLE</Name><String>Corpus show</String></Simple>
<Simple><Name>FANSUBBER</Name><String>one &amp; two</String></Simple></Tag></Tags>
`
	fansubChapters = `CHAPTER01=00:00:00.000
CHAPTER01NAME=Opening
CHAPTER02=00:00:04.004
CHAPTER02NAME=Part A – été
CHAPTER03=00:00:09.009
CHAPTER03NAME=Ending
`
	fansubSRT = `1
00:00:02,000 --> 00:00:03,500
Hello

2
00:00:08,000 --> 00:00:11,900
Bye
`
	fansubASS = `[Script Info]
ScriptType: v4.00+
PlayResX: 320
PlayResY: 180

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Some Sans,18,&H00FFFFFF,&H000000FF,&H00000000,&H64000000,0,0,0,0,100,100,0,0,1,2,1,2,20,20,20,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,Bonjour {\i1}monde{\i0} – 日本語
Dialogue: 0,0:00:04.00,0:00:07.50,Default,,0,0,0,,{\k20}ka{\k30}ra{\k40}oke
Dialogue: 0,0:00:09.34,0:00:11.90,Default,,0,0,0,,last line
`
)
