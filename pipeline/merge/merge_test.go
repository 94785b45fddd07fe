package merge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

func TestMatroskaKeepsEverything(t *testing.T) {
	j := encode(t, fansub(t, t.TempDir()), containerMKV)
	out := j.merge(t)
	require.Empty(t, j.limits(t))
	require.Equal(t, 72, out.Report.FramesFound)
	require.Zero(t, out.Report.DeviationMS)
	for _, c := range out.Report.Checks {
		require.Equal(t, Good, c.Verdict, c.Text)
	}
	for _, s := range out.Report.Streams {
		require.Zero(t, s.DeviationMS, "timestamps of stream %d", s.Source)
	}
	want, err := identify(t.Context(), j.tools, j.req.Source)
	require.NoError(t, err)
	got, err := identify(t.Context(), j.tools, j.req.Out)
	require.NoError(t, err)
	require.Len(t, got.tracks, len(want.tracks))
	for i, a := range want.tracks {
		for _, name := range []string{"track_name", "language_ietf", "default_track", "forced_track", "flag_commentary",
			"default_duration", "display_dimensions"} {
			require.Equal(t, a.text(name), got.tracks[i].text(name), "%s of track %d", name, i)
		}
	}
	require.Equal(t, chapterXML(t, j.req.Source), chapterXML(t, j.req.Out), "names and languages of chapters")
	size, crc, err := settle(j.req.Out)
	require.NoError(t, err)
	require.Equal(t, []any{out.Size, out.CRC32}, []any{size, crc})
}

// chapterXML lists what mkvextract says of chapters, but for identifiers that are made anew.
func chapterXML(t *testing.T, path string) (lines []string) {
	t.Helper()
	for _, line := range strings.Split(run(t, "mkvextract", path, "chapters", "-"), "\n") {
		if !strings.Contains(line, "UID") {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestMatroskaVariableRate(t *testing.T) {
	out := encode(t, vfr(t, t.TempDir()), containerMKV).merge(t)
	require.Zero(t, out.Report.DeviationMS)
}

func TestMatroskaToMP4(t *testing.T) {
	j := encode(t, fansub(t, t.TempDir()), containerMP4)
	out := j.merge(t)
	require.Zero(t, out.Report.DeviationMS)
	notes := strings.Join(j.limits(t), "\n")
	require.Contains(t, notes, `becomes mov_text: styles and positions are lost`)
	require.Contains(t, notes, `"Fönt.ttf") is left out`)
	require.Contains(t, notes, "tags, they are left out: fansubber")
	require.Contains(t, out.Report.Text(), "ok   cover")
}

func TestMP4WithEditList(t *testing.T) {
	src := edited(t, t.TempDir())
	t.Run("mp4", func(t *testing.T) {
		j := encode(t, src, containerMP4)
		require.Empty(t, j.limits(t))
		out := j.merge(t)
		require.Zero(t, out.Report.DeviationMS)
		for _, s := range out.Report.Streams {
			require.Zero(t, s.Hidden)
		}
	})
	t.Run("mkv", func(t *testing.T) {
		j := encode(t, src, containerMKV)
		out := j.merge(t)
		require.LessOrEqual(t, out.Report.DeviationMS, 0.5, "Matroska's tick is a millisecond")
		require.Contains(t, j.limits(t)[0], "becomes subrip")
		require.LessOrEqual(t, out.Report.Streams[1].DeviationMS, 1.0, "subtitles stay where they are")
		text := out.Report.Text()
		for _, kept := range []string{"ok   chapters: 2", "ok   global tags: 1", "ok   cover",
			"packets that an edit list hides are left out"} {
			require.Contains(t, text, kept)
		}
		require.Contains(t, run(t, "mkvmerge", "-i", j.req.Out), `file name 'cover.jpg'`)
	})
}

func TestEmptyEditAndRotation(t *testing.T) {
	dir := t.TempDir()
	v, a, src := filepath.Join(dir, "v.mp4"), filepath.Join(dir, "a.m4a"), filepath.Join(dir, "src.mp4")
	ffmpeg(t, "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -c:v libx264 -preset ultrafast -g 10", v)
	ffmpeg(t, "-f lavfi -i sine=r=48000:d=1 -c:a aac", a)
	ffmpeg(t, "-i", v, "-itsoffset", "0.8", "-i", a, "-map", "0", "-map", "1", "-c", "copy", "-metadata:s:v:0",
		"rotate=90", src)
	for _, container := range []string{containerMKV, containerMP4} {
		out := encode(t, src, container).merge(t)
		require.NotContains(t, out.Report.Text(), "rotation", container)
		require.Equal(t, out.Report.Streams[0].Packets, out.Report.Streams[0].Found, container)
		require.LessOrEqual(t, out.Report.Streams[0].DeviationMS, 1.0, container)
	}
}

// x264 writes no range where nothing else is known of the colours.
func TestLimitedRangeIsTold(t *testing.T) {
	src := filepath.Join(t.TempDir(), "src.mov")
	ffmpeg(t, "-f lavfi -i testsrc2=s=64x48:r=25:d=1 -c:v mpeg2video -g 10", src)
	require.NotContains(t, encode(t, src, containerMKV).merge(t).Report.Text(), "color range")
}

func TestBadChunks(t *testing.T) {
	src := fansub(t, t.TempDir())
	for name, c := range map[string]struct {
		spoil  func(t *testing.T, j *job)
		reason string
	}{
		"bit flipped": {func(t *testing.T, j *job) {
			b, err := os.ReadFile(j.req.Results[1])
			require.NoError(t, err)
			b[len(b)/2] ^= 1
			require.NoError(t, os.WriteFile(j.req.Results[1], b, 0o600))
		}, "its CRC-32 is"},
		"truncated": {func(t *testing.T, j *job) {
			info, err := os.Stat(j.req.Results[1])
			require.NoError(t, err)
			require.NoError(t, os.Truncate(j.req.Results[1], info.Size()*8/10))
			j.readCRCs(t)
		}, "unexpected EOF"},
		"empty": {func(t *testing.T, j *job) {
			require.NoError(t, os.Truncate(j.req.Results[1], 0))
			j.readCRCs(t)
		}, "Invalid data"},
		"other parameters": {func(t *testing.T, j *job) {
			j.encodeChunk(t, 1, "stitchable=1:ref=5")
			j.readCRCs(t)
		}, "differ from the other chunks' in 00001"},
		"another's frames": {func(t *testing.T, j *job) {
			pts := j.req.Plan.Chunks[1].PTS.All()
			pts[len(pts)-1] += 5
			j.req.Plan.Chunks[1].PTS = pipeline.NewTimestamps(pts...)
		}, "timestamps are not the planned ones"},
	} {
		t.Run(name, func(t *testing.T) {
			j := encode(t, src, containerMKV)
			c.spoil(t, j)
			_, err := Merge(t.Context(), j.tools, j.req)
			var bad *pipeline.BadChunk
			require.ErrorAs(t, err, &bad)
			require.Equal(t, 1, bad.Index)
			require.ErrorContains(t, err, c.reason)
			require.NoFileExists(t, j.req.Out)
		})
	}
}

// Of a DVD ffmpeg has two packets of AC-3 at one time and none at the next: mkvmerge would even that out.
func TestUnevenSoundStays(t *testing.T) {
	dir := t.TempDir()
	even, src := filepath.Join(dir, "even.mkv"), filepath.Join(dir, "s.mkv")
	ffmpeg(t, "-f lavfi -i testsrc2=s=64x64:d=1 -f lavfi -i sine=r=48000:d=1 -c:v libx264 -preset ultrafast -c:a ac3",
		even)
	ffmpeg(t, "-i "+even+" -c copy -bsf:a setts=ts=TS-32*eq(N\\,10)", src)
	out := encode(t, src, containerMKV).merge(t)
	require.Zero(t, out.Report.Streams[0].DeviationMS)
}

// HDR10's metadata stands in the container as it did in the source's, to the last bit, whichever that was.
func TestMasteringDisplayIsCarried(t *testing.T) {
	dir := t.TempDir()
	src, mp4 := filepath.Join(dir, "s.mkv"), filepath.Join(dir, "s.mp4")
	ffmpeg(t, "-f lavfi -i testsrc2=s=64x64:d=0.4 -c:v libx264 -preset ultrafast", src)
	edit := []string{src, "--edit", "track:1"}
	for name, value := range map[string]string{
		"chromaticity-coordinates-red-x": "0.68", "chromaticity-coordinates-red-y": "0.32",
		"chromaticity-coordinates-green-x": "0.265",
		"chromaticity-coordinates-green-y": "0.69", "chromaticity-coordinates-blue-x": "0.15",
		"chromaticity-coordinates-blue-y": "0.06",
		"white-coordinates-x":             "0.3127", "white-coordinates-y": "0.329", "max-luminance": "1000",
		"min-luminance":     "0.0001",
		"max-content-light": "1000", "max-frame-light": "400",
	} {
		edit = append(edit, "--set", name+"="+value)
	}
	run(t, "mkvpropedit", edit...)
	ffmpeg(t, "-i "+src+" -c copy", mp4)
	side := func(path string) string {
		return run(t, "ffprobe", "-v", "error", "-show_entries", "stream_side_data", "-of", "json", path)
	}
	want := side(src)
	require.Contains(t, want, "min_luminance")
	for _, from := range []string{src, mp4} {
		j := encode(t, from, containerMKV)
		file, err := j.tools.Probe(t.Context(), from)
		require.NoError(t, err)
		hdr := file.Video()[0].HDR
		j.req.Plan.Video.MasterDisplay, j.req.Plan.Video.MaxCLL = hdr.MasterDisplay, hdr.MaxCLL
		j.merge(t)
		require.Equal(t, want, side(j.req.Out), from)
	}
}

// A source of which mkvmerge skips a part fails the merge, and people read what to do. That is known at submission.
func TestDamagedSource(t *testing.T) {
	j := encode(t, fansub(t, t.TempDir()), containerMKV)
	try := func() error {
		return TryRest(t.Context(), j.tools, j.req.Source, probe(t, j.req.Source), j.req.Plan.Settings)
	}
	require.NoError(t, try())
	b, err := os.ReadFile(j.req.Source)
	require.NoError(t, err)
	rand.NewChaCha8([32]byte{1}).Read(b[len(b)/2 : len(b)/2+len(b)/8]) // never an error
	require.NoError(t, os.WriteFile(j.req.Source, b, 0o600))
	_, err = Merge(t.Context(), j.tools, j.req)
	require.ErrorContains(t, err, "the source is damaged")
	require.ErrorContains(t, err, "mkvmerge -o mended.mkv")
	var refusal *pipeline.Refusal
	require.ErrorAs(t, try(), &refusal)
	require.Regexp(t, "^The source is damaged, .*mkvmerge -o mended.mkv.*\\.$", refusal.Reason)
}

// What was found when a result was accepted holds: it is not read again before the merge, but what became of
// it since is noticed all the same.
func TestAResultThatWentBadAfterItWasAccepted(t *testing.T) {
	src := fansub(t, t.TempDir())
	for name, container := range map[string]string{"mkv": containerMKV, "mp4": containerMP4} {
		for what, spoil := range map[string]func(b []byte) []byte{
			"a bit of a picture": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
			"a bit of the stream's parameters": func(b []byte) []byte {
				mark := map[string]string{containerMKV: "\x63\xA2", containerMP4: "avcC"}[container] // CodecPrivate
				b[bytes.Index(b, []byte(mark))+20] ^= 1
				return b
			},
			"the end": func(b []byte) []byte { return b[:len(b)*8/10] },
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				j := encode(t, src, container)
				sums, err := checkResults(t.Context(), j.tools, j.req)
				require.NoError(t, err)
				j.req.Sums = sums
				j.merge(t)
				b, err := os.ReadFile(j.req.Results[0])
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(j.req.Results[0], spoil(b), 0o600))
				_, err = Merge(t.Context(), j.tools, j.req)
				var bad *pipeline.BadChunk
				require.ErrorAs(t, err, &bad)
				require.Equal(t, 0, bad.Index)
			})
		}
	}
}

// With more packets than are kept, the source is read again to verify.
func TestWhatIsNotKeptIsReadAgain(t *testing.T) {
	j := encode(t, fansub(t, t.TempDir()), containerMKV)
	var err error
	j.req.Prepared, err = Prepare(t.Context(), j.tools, j.req)
	require.NoError(t, err)
	require.Equal(t, 32+131+2, len(j.req.Prepared.packets)-1, "two tracks of sound, subtitles, a cover")
	want := j.merge(t).Report
	j.req.Prepared.packets, j.req.Prepared.partial = nil, true
	require.Equal(t, want, j.merge(t).Report)
}

// A child gets the soft limit of 1024 open files from Go unless it is raised.
func TestMoreThanAThousandChunks(t *testing.T) {
	const chunks = 1100
	dir := t.TempDir()
	src := filepath.Join(dir, "source.mkv")
	ffmpeg(t, "-f lavfi -i testsrc2=s=32x32:r=25:d=44 -c:v libx264 -preset ultrafast -g 1", src)
	tiny := filepath.Join(dir, "tiny")
	ffmpeg(t, "-f lavfi -i testsrc2=s=32x32:r=25:d=0.04 -c:v libx264 -preset ultrafast -f matroska", tiny)
	for _, container := range []string{containerMKV, containerMP4} {
		plan := &pipeline.Plan{Timing: pipeline.Timing{Muxer: "matroska"}, Frames: chunks,
			Settings: pipeline.Settings{Container: pipeline.Container(container)},
			Video:    pipeline.Video{TimeBase: pipeline.Rational{Num: 1, Den: 1000}}}
		req := Request{Plan: plan, Source: src, Out: filepath.Join(dir, "out"), WorkDir: dir}
		for i := range chunks {
			plan.Chunks = append(plan.Chunks, pipeline.Chunk{Index: i, PTS: pipeline.NewTimestamps(int64(40 * i))})
			req.Results = append(req.Results, tiny) // opened once more each time; its own time is not what is tested
		}
		var err error
		req.Prepared, err = Prepare(t.Context(), findTools(t), req)
		require.NoError(t, err)
		mux := map[string]func() error{
			containerMKV: func() error { return writeMatroska(t.Context(), findTools(t), req) },
			containerMP4: func() error { return writeMP4(t.Context(), findTools(t), req) },
		}[container]
		require.NoError(t, mux())
		got := run(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts", "-of", "csv=p=0",
			req.Out)
		require.Equal(t, chunks, strings.Count(got, "\n"), container)
	}
}

func TestMergeIsStopped(t *testing.T) {
	j := encode(t, vfr(t, t.TempDir()), containerMKV)
	ctx, cancel := testContext(t)
	cancel()
	_, err := Merge(ctx, j.tools, j.req)
	require.ErrorIs(t, err, errStopped)
}

func TestCertificate(t *testing.T) {
	j := encode(t, vfr(t, t.TempDir()), containerMKV)
	out := j.merge(t)
	j.req.Plan.CRC32, j.req.Plan.Original, j.req.Plan.SourceSize = "ABCDEF01", "source.mkv", 5
	a, b := pipeline.Attempted{Node: "a-w1"}, pipeline.Attempted{Node: "b-w2"}
	records := []pipeline.Record{{Attempted: a, Frames: 25, CRC32: "1", Method: "seek"}, {Attempted: b}, {Attempted: a}}
	text, err := json.Marshal(Certify(j.req.Plan, records, out, "Show [x].mkv", time.Unix(0, 0).UTC()))
	require.NoError(t, err)
	for _, want := range []string{`"crc32":"ABCDEF01"`, fmt.Sprintf(`"crc32":%q`, out.CRC32), `"planned":75,"found":75`,
		`"node":"b-w2"`, `"mkvmerge":"mkvmerge v`, `"verdict":"ok"`} {
		require.Contains(t, string(text), want)
	}
}

// The samples an AAC encoder puts in front come before zero. Matroska holds them with CodecDelay, also
// in a second generation.
func TestPrimedAudio(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "src.mp4")
	ffmpeg(t, "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=r=48000:d=2 -c:v libx264 -preset ultrafast -g 10 "+
		"-c:a aac", src)
	j := encode(t, src, containerMKV)
	for range 2 {
		s := j.merge(t).Report.Streams[0]
		require.Zero(t, s.Hidden)
		require.LessOrEqual(t, s.DeviationMS, 1.0)
		next := filepath.Join(dir, "again.mkv")
		require.NoError(t, os.Rename(j.req.Out, next))
		j = encode(t, next, containerMKV)
	}
}
