package films

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFineTimeBases(t *testing.T) {
	f := newFilm(t)
	frames := func(file string) []string { return f.probe(file, "v", "packet=pts_time") }
	retime := func(name, ticks, expr string, more ...string) string {
		f.ffmpeg(append([]string{"-f", "lavfi", "-i", "testsrc2=s=128x72:r=25:d=2", "-vf", "settb=1/" + ticks + ",setpts=" +
			expr, "-fps_mode", "passthrough",
			"-enc_time_base", "1/" + ticks, "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0"}, append(more, name)...)...)
		return name
	}
	t.Run("120000 ticks a second", func(t *testing.T) {
		out := f.encode(retime("fine.mp4", "120000", "N*4800", "-video_track_timescale", "120000"), "fine.mkv")
		require.Equal(t, strings.Split("0.000000 0.040000 0.080000", " "), frames(out)[:3])
		require.Len(t, frames(out), 50)
	})
	t.Run("a millionth of a second in Matroska", func(t *testing.T) {
		retime("base.mp4", "1000000", "N*40000+7*mod(N\\,3)", "-video_track_timescale", "1000000")
		f.run("mkvmerge", "-q", "-o", "micro.mkv", "--timestamp-scale", "1000", "base.mp4")
		out := f.encode("micro.mkv", "micro-out.mkv")
		require.Equal(t, frames("base.mp4"), frames(out))
	})
	t.Run("frames that are near to one another", func(t *testing.T) {
		near := retime("near.mp4", "90000", "N*3600-3591*eq(N\\,40)", "-video_track_timescale", "90000")
		want := frames(near)
		require.Equal(t, []string{"1.560000", "1.560100"}, want[39:41])
		out := f.encode(near, "near.mkv")
		require.Equal(t, []string{"1.560000", "1.560100"}, frames(out)[39:41])
		require.Equal(t, want, frames(f.encode(near, "near-out.mp4")))
	})
	t.Run("frames nearer than Matroska can tell", func(t *testing.T) {
		nearer := retime("nearer.mp4", "10000000", "N*400000-399998*eq(N\\,40)", "-video_track_timescale", "10000000")
		said := f.refused(nearer, "nearer.mkv")
		require.Contains(t, said, "Two frames are 0.0002 ms apart at 0:00:01.6")
		require.NotContains(t, said, "tick")
		require.Equal(t, frames(nearer), frames(f.encode(nearer, "nearer-out.mp4")), "MP4 can, as the sentence says")
	})
}

func TestLastFrameIsShownAsLong(t *testing.T) {
	f := newFilm(t)
	f.pictures("base.mp4", "-bf", "0") // ffmpeg copies the last one's duration only where it is decoded last
	times := "# timestamp format v2\n"
	for i := range 50 {
		times += fmt.Sprintln(i * 40)
	}
	require.NoError(t, os.WriteFile(f.path("times.txt"), []byte(times+"6960\n"), 0o600))
	f.run("mkvmerge", "-q", "-o", "long.mkv", "--timestamps", "0:times.txt", "base.mp4")
	f.ffmpeg("-i", "long.mkv", "-c", "copy", "long.mp4")
	for _, source := range []string{"long.mkv", "long.mp4"} {
		for _, out := range []string{"out.mkv", "out.mp4"} { // in and out of both containers
			out = f.encode(source, source[5:]+"-"+out)
			require.Equal(t, []string{"6.960000"}, f.probe(out, "", "format=duration"), "%s into %s", source, out)
			require.Len(t, f.probe(out, "v", "packet=pts"), 50)
		}
	}
	require.Equal(t, []string{"2.000000"}, f.probe(f.encode("base.mp4", "usual.mkv"), "", "format=duration"))
}

func TestSamplesOfPCMStay(t *testing.T) {
	f := newFilm(t)
	for codec, becomes := range map[string]string{
		"pcm_s16be": "pcm_s16le", "pcm_s24be": "pcm_s24le", "pcm_s32be": "pcm_s32le", "pcm_f32be": "pcm_f32le",
		"pcm_f64be": "pcm_f64le", "pcm_s8": "flac",
	} {
		t.Run(codec, func(t *testing.T) {
			f.sound(t, codec+".mov", codec, becomes, "0")
		})
	}
	t.Run("in Matroska", func(t *testing.T) { f.sound(t, "be.mkv", "pcm_s16be", "pcm_s16le", "0") })
	t.Run("TTA that begins late", func(t *testing.T) { f.sound(t, "tta.mkv", "tta", "tta", "0.3") })
	t.Run("WavPack", func(t *testing.T) { f.sound(t, "wavpack.mkv", "wavpack", "wavpack", "0.3") })
}

func (f *film) sound(t *testing.T, source, codec, becomes, offset string) {
	t.Helper()
	f.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=128x72:r=25:d=2", "-itsoffset", offset, "-f", "lavfi", "-i",
		"sine=r=44100:d=2",
		"-map", "0", "-map", "1", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", codec, source)
	out := f.encode(source, source+"-out.mkv")
	samples := func(file string) string {
		return f.run("ffmpeg", "-nostdin", "-v", "error", "-i", file, "-map", "0:a", "-c:a", "pcm_f64le", "-f", "md5", "-")
	}
	require.Equal(t, []string{becomes}, f.probe(out, "a", "stream=codec_name"))
	require.Equal(t, samples(source), samples(out))
	require.Equal(t, f.probe(source, "a", "stream=start_time"), f.probe(out, "a", "stream=start_time"))
	require.NotContains(t, f.probe(out, "a", "packet=pts"), "N/A") // each packet has a time of its own
}

func TestSubtitlesThatAreNotUTF8(t *testing.T) {
	f := newFilm(t)
	f.pictures("base.mp4")
	subtitle := func(name string, text []byte) string {
		line := append([]byte("1\n00:00:00,500 --> 00:00:01,500\n"), bytes.Repeat([]byte("-"), len(text))...)
		require.NoError(t, os.WriteFile(f.path("s.srt"), append(line, "\n\n"...), 0o600))
		f.run("mkvmerge", "-q", "-o", "plain.mkv", "base.mp4", "--compression", "0:none", "s.srt")
		film, err := os.ReadFile(f.path("plain.mkv"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(f.path(name), bytes.Replace(film, bytes.Repeat([]byte("-"), len(text)), text, 1),
			0o600))
		return name
	}
	for name, text := range map[string]struct{ bytes, charset, utf8 string }{
		"latin1.mkv": {"Caf\xe9 \xfcber", "WINDOWS-1252", "Café über"},
		"cp1251.mkv": {"\xcf\xf0\xe8\xe2\xe5\xf2 \xec\xe8\xf0", "WINDOWS-1251", "Привет мир"},
		"sjis.mkv":   {"\x93\xfa\x96\x7b\x8c\xea\x82\xcc\x8e\x9a\x96\x8b", "SHIFT_JIS", "日本語の字幕"},
		"big5.mkv":   {"\xa7\x41\xa6\x6e\xa5\x40\xac\xc9", "BIG5", "你好世界"},
		"junk.mkv":   {"na\xc3\xafve \xff\xfe caf\xe9", "WINDOWS-1252", ""},
	} {
		t.Run(name, func(t *testing.T) {
			subtitle(name, []byte(text.bytes))
			said := f.refused(name, name+"-out.mkv")
			require.Contains(t, said, "The subtitles of track 1 are not in UTF-8")
			require.Contains(t, said, "mkvmerge -o mended.mkv --sub-charset 1:WINDOWS-1252 FILE")
			if text.utf8 == "" {
				return
			}
			f.run("mkvmerge", "-q", "-o", "mended-"+name, "--sub-charset", "1:"+text.charset, name) // as the sentence says
			f.encode("mended-"+name, name+"-out.mkv")
			require.Contains(t, f.run("ffmpeg", "-v", "error", "-i", name+"-out.mkv", "-map", "0:s", "-f", "srt", "-"),
				text.utf8)
		})
	}
	t.Run("into MP4", func(t *testing.T) {
		require.Contains(t, f.refused(subtitle("convert.mkv", []byte("Caf\xe9")), "convert.mp4"),
			"The subtitles of track 1 are not in UTF-8")
	})
	t.Run("left out by the profile", func(t *testing.T) {
		subtitle("none.mkv", []byte("Caf\xe9"))
		require.NoError(t, os.WriteFile(f.path("none.toml"), []byte("[profiles.default]\nsubtitles = \"none\"\n"), 0o600))
		said, code := encode(t, f.path("none.mkv"), f.path("none-out.mkv"), "--config", f.path("none.toml"))
		require.Zero(t, code, said)
		require.Empty(t, f.probe("none-out.mkv", "s", "stream=index"))
	})
	t.Run("timed text in MP4", func(t *testing.T) {
		require.NoError(t, os.WriteFile(f.path("t.srt"), []byte("1\n00:00:00,500 --> 00:00:01,500\nCafé \n\n"), 0o600))
		f.ffmpeg("-i", "base.mp4", "-i", "t.srt", "-c", "copy", "-c:s", "mov_text", "text.mp4")
		film, err := os.ReadFile(f.path("text.mp4"))
		require.NoError(t, err)
		bad := bytes.Replace(film, []byte("Café"), []byte("Caf\xe9 "), 1)
		require.NotEqual(t, film, bad)
		require.NoError(t, os.WriteFile(f.path("text.mp4"), bad, 0o600))
		said := f.refused("text.mp4", "text.mkv")
		require.Contains(t, said, "The subtitles of track 1 are not in UTF-8")
		require.Contains(t, said, "`ffmpeg -sub_charenc_mode ignore -i FILE -map 0:1 text.srt` and "+
			"`mkvmerge -o mended.mkv FILE --sub-charset 0:WINDOWS-1252 text.srt`")
		f.ffmpeg("-sub_charenc_mode", "ignore", "-i", "text.mp4", "-map", "0:1", "text.srt")
		f.run("mkvmerge", "-q", "-o", "mended.mkv", "text.mp4", "--sub-charset", "0:WINDOWS-1252", "text.srt")
		f.encode("mended.mkv", "text.mkv")
		require.Contains(t, f.run("ffmpeg", "-v", "error", "-i", "text.mkv", "-map", "0:s", "-f", "srt", "-"), "Café")
	})
}

// xmlOf is what mkvextract says of a Matroska file's tags or chapters, without line ends.
func (f *film) xmlOf(file, what string) string {
	f.t.Helper()
	return strings.Join(strings.Fields(f.run("mkvextract", file, what, "-")), "")
}

func TestWhatAMatroskaFileSaysOfItselfStays(t *testing.T) {
	f := newFilm(t)
	f.pictures("base.mp4")
	const chapters = `<?xml version="1.0"?><Chapters><EditionEntry><EditionFlagOrdered>1</EditionFlagOrdered><EditionUID>777</EditionUID>
		<ChapterAtom><ChapterUID>101</ChapterUID><ChapterTimeStart>00:00:01.0</ChapterTimeStart><ChapterTimeEnd>00:00:02.0</ChapterTimeEnd></ChapterAtom>
		<ChapterAtom><ChapterUID>102</ChapterUID><ChapterTimeStart>00:00:00.0</ChapterTimeStart><ChapterTimeEnd>00:00:03.0</ChapterTimeEnd>
		<ChapterSegmentUID format="hex">00112233445566778899aabbccddeeff</ChapterSegmentUID></ChapterAtom></EditionEntry></Chapters>`
	const tags = `<?xml version="1.0"?><Tags><Tag><Targets><TargetTypeValue>30</TargetTypeValue></Targets>
		<Simple><Name>TITLE</Name><String>Hi</String><TagLanguage>ger</TagLanguage><DefaultLanguage>0</DefaultLanguage>
		<Simple><Name>SORT_WITH</Name><String>zz</String></Simple></Simple>
		<Simple><Name>TITLE</Name><String>En</String><TagLanguage>eng</TagLanguage></Simple>
		<Simple><Name>TITLE</Name><String>None &amp; all</String></Simple></Tag></Tags>`
	require.NoError(t, os.WriteFile(f.path("chapters.xml"), []byte(chapters), 0o600))
	require.NoError(t, os.WriteFile(f.path("tags.xml"), []byte(tags), 0o600))
	f.run("mkvmerge", "-q", "-o", "linked.mkv", "--segment-uid", "0xa1b2c3d4e5f60718293a4b5c6d7e8f90", "--link-to-next",
		"0x00112233445566778899aabbccddeeff",
		"--link-to-previous", "0xffeeddccbbaa99887766554433221100", "--chapters", "chapters.xml", "--tags", "0:tags.xml",
		"--global-tags", "tags.xml", "base.mp4")
	f.run("mkvpropedit", "-q", "linked.mkv", "--edit", "info", "--set", "date=2019-05-04T10:11:12Z")
	out := f.encode("linked.mkv", "out.mkv")
	said := f.run("mkvmerge", "-J", out)
	for _, want := range []string{
		`"segment_uid": "a1b2c3d4e5f60718293a4b5c6d7e8f90"`, `"next_segment_uid": "00112233445566778899aabbccddeeff"`,
		`"previous_segment_uid": "ffeeddccbbaa99887766554433221100"`, `"date_utc": "2019-05-04T10:11:12Z"`,
	} {
		require.Contains(t, said, want)
	}
	require.NotContains(t, said, "track_name", "a tag is no name")
	require.Equal(t, f.xmlOf("linked.mkv", "chapters"), f.xmlOf(out, "chapters"))
	require.Equal(t, ownTags(f.xmlOf("linked.mkv", "tags")), ownTags(f.xmlOf(out, "tags")))
	require.Len(t, ownTags(f.xmlOf(out, "tags")), 2, "the file's and the track's")
}

// Of what Matroska's chapters can say MP4 gets a list of times and names; the rest is told before anything is encoded.
func TestWhatMP4KeepsOfMatroskasChapters(t *testing.T) {
	f := newFilm(t)
	f.pictures("base.mp4")
	const uid = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
	atom := func(start, name, more string) string {
		return "<ChapterAtom><ChapterTimeStart>00:00:" + start + "</ChapterTimeStart><ChapterDisplay><ChapterString>" + name +
			"</ChapterString><ChapterLanguage>eng</ChapterLanguage></ChapterDisplay>" + more + "</ChapterAtom>"
	}
	of := func(segment string) string {
		return "<ChapterTimeEnd>00:00:03</ChapterTimeEnd><ChapterSegmentUID format=\"hex\">" + segment +
			"</ChapterSegmentUID>"
	}
	const german = "<ChapterDisplay><ChapterString>Teil A</ChapterString><ChapterLanguage>ger</ChapterLanguage>" +
		"</ChapterDisplay>"
	const end, hidden, off = "<ChapterTimeEnd>00:00:00.5</ChapterTimeEnd>", "<ChapterFlagHidden>1</ChapterFlagHidden>",
		"<ChapterFlagEnabled>0</ChapterFlagEnabled>"
	linked := f.chapters("linked.mkv", "<EditionEntry>"+atom("00.1", "Another edition", "")+"</EditionEntry>"+
		"<EditionEntry><EditionFlagOrdered>1</EditionFlagOrdered><EditionFlagDefault>1</EditionFlagDefault>"+
		atom("01", `B = 2; #\ "ü" [CHAPTER]`, of(uid))+atom("00", "Part A", german+end+atom("00.2", "Nested", ""))+
		atom("00", "OP", of("00112233445566778899aabbccddeeff"))+atom("01.5", "Hidden", hidden)+
		atom("01.6", "Off", off)+atom("01.8", "Last", "")+"</EditionEntry>", "--segment-uid", "0x"+uid,
		"--link-to-next", "0x00112233445566778899aabbccddeeff")
	said, code := encode(t, f.path(linked), f.path("linked.mp4"))
	require.Zero(t, code, said)
	require.Equal(t, "0.000000 1.000000 Part A\n1.000000 1.800000 B = 2; #\\ \"ü\" [CHAPTER]\n1.800000 2.000000 Last\n",
		f.chaptersOf("linked.mp4"))
	for _, note := range []string{
		"The source is linked to the file that goes before it or behind it. MP4 holds no such link",
		"The source has ordered chapters, by which players show its parts in another order, or parts of other files. MP4 " +
			"has no such thing: the film is encoded as it is stored.",
		"The source has 2 lists of chapters (editions); MP4 holds one",
		"chapters that are left out because they lie in another file: 1;",
		"chapters that are left out because they are hidden: 2\n",
		"chapters keep times and first names; MP4 holds neither their languages nor nested ones",
	} {
		require.Contains(t, said, "note: "+note)
	}
	require.Contains(t, f.run(distenc, "verify", linked, "linked.mp4"), "ok   chapters: 3, 3 found\n")

	plain := f.chapters("plain.mkv", "<EditionEntry>"+atom("00.4", "Only", "")+"</EditionEntry>")
	said, code = encode(t, f.path(plain), f.path("plain.mp4"))
	require.Zero(t, code, said)
	require.Equal(t, "0.000000 0.400000 \n0.400000 2.000000 Only\n", f.chaptersOf("plain.mp4"),
		"MP4's first chapter begins with the film")
	require.Equal(t, 1, strings.Count(said, "note: "), said)

	none := f.chapters("none.mkv", "<EditionEntry>"+atom("00", "Hidden", hidden)+"</EditionEntry>")
	f.encode(none, "none.mp4")
	require.Empty(t, f.chaptersOf("none.mp4"))
}

// chapters makes a film with chapters, which are XML.
func (f *film) chapters(name, chapters string, options ...string) string {
	f.t.Helper()
	require.NoError(f.t, os.WriteFile(f.path("chapters.xml"), []byte(`<?xml version="1.0"?><Chapters>`+chapters+
		"</Chapters>"), 0o600))
	f.run("mkvmerge", append([]string{"-q", "-o", name, "--chapters", "chapters.xml", "base.mp4"}, options...)...)
	return name
}

// chaptersOf are the chapters that ffprobe finds: start, end and name, one a line.
func (f *film) chaptersOf(file string) string {
	f.t.Helper()
	var probe struct {
		Chapters []struct {
			Start string `json:"start_time"`
			End   string `json:"end_time"`
			Tags  struct{ Title string }
		}
	}
	out := f.run("ffprobe", "-v", "error", "-show_chapters", "-of", "json", file)
	require.NoError(f.t, json.Unmarshal([]byte(out), &probe))
	var lines strings.Builder
	for _, c := range probe.Chapters {
		fmt.Fprintln(&lines, c.Start, c.End, c.Tags.Title)
	}
	return lines.String()
}

// ownTags are the tags that people gave, without the number of the track that they are of.
func ownTags(text string) (tags []string) {
	text = regexp.MustCompile(`<TrackUID>[0-9]+</TrackUID>`).ReplaceAllString(text, "")
	for _, tag := range regexp.MustCompile(`<Tag>.*?</Tag>`).FindAllString(text, -1) {
		if strings.Contains(tag, "SORT_WITH") {
			tags = append(tags, tag)
		}
	}
	return tags
}

func TestDateOfRecordingStays(t *testing.T) {
	f := newFilm(t)
	const place, quicktime = "+48.1173+011.5167/", "2019-05-04T12:11:12+0200"
	f.pictures("android.mp4", "-metadata", "creation_time=2019-05-04T10:11:12Z", "-metadata", "location="+place)
	f.pictures("iphone.mov", "-movflags", "use_metadata_tags", "-metadata", "com.apple.quicktime.creationdate="+quicktime,
		"-metadata", "com.apple.quicktime.location.ISO6709="+place)
	f.pictures("plain.mp4")
	for _, source := range []string{"android.mp4", "iphone.mov"} {
		out := f.encode(source, source+"-out.mkv")
		require.Contains(t, f.run("mkvmerge", "-J", out), `"date_utc": "2019-05-04T10:11:12Z"`, source)
		require.Contains(t, f.probe(out, "", "format_tags"), place, source)
		mp4 := f.encode(source, source+"-out.mp4")
		require.Equal(t, []string{"2019-05-04T10:11:12.000000Z"}, f.probe(mp4, "", "format_tags=creation_time"), source)
	}
	require.Contains(t, f.probe("iphone.mov-out.mkv", "", "format_tags"), quicktime)
	require.NotContains(t, f.run("mkvmerge", "-J", f.encode("plain.mp4", "plain.mkv")), "date_utc", "of the merge")
}

func TestTransparencyAndDepth(t *testing.T) {
	f := newFilm(t)
	f.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=128x72:r=25:d=1,format=yuva420p", "-c:v", "libvpx-vp9", "-deadline",
		"realtime", "-cpu-used", "8",
		"-pix_fmt", "yuva420p", "alpha.webm")
	out, said := encoded(t, f.path("alpha.webm"))
	require.Contains(t, said, "The source's transparency is not kept")
	tags := f.run("ffprobe", "-v", "error", "-show_entries", "stream_tags:format_tags", out)
	require.NotContains(t, strings.ToUpper(tags), "ALPHA_MODE")
	f.pictures("flat.mkv")
	f.run("mkvmerge", "-q", "-o", "deep.mkv", "--stereo-mode", "0:1", "flat.mkv")
	f.ffmpeg("-i", "deep.mkv", "-c", "copy", "-strict", "unofficial", "deep.mp4")
	for _, source := range []string{"deep.mkv", "deep.mp4"} {
		out := f.encode(source, source+"-out.mkv")
		require.Contains(t, f.run("mkvmerge", "-J", out), `"stereo_mode": 1,`, source)
		require.NotContains(t, f.xmlOf(out, "tags"), "STEREO_MODE", source)
	}
}
