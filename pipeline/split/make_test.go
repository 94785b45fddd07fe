package split_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/pipeline/split"
	"github.com/distenc/distenc/test/corpus"
)

func tools(t *testing.T) media.Tools {
	t.Helper()
	tools, err := media.Find(nil)
	require.NoError(t, err)
	return tools
}

func scan(t *testing.T, path string) (*split.Source, error) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	return split.Scan(context.Background(), tools(t), path, f)
}

func request(t *testing.T, path string) split.Request {
	return split.Request{
		Job: "00000000-abcde", Path: path, NormPath: filepath.Join(t.TempDir(), "norm.abc.mkv"), CRC32: "01234567",
		Settings: pipeline.Settings{Encoder: "x264", Options: "--preset ultrafast", Container: "mkv", Chunk: 1.5,
			Pieces: "copy"}, TestEncode: encode.Test, TestRest: merge.TryRest,
	}
}

func TestRefusalsAreOneSentenceForAPerson(t *testing.T) {
	dir := t.TempDir()
	make := func(name string, args ...string) string {
		path := filepath.Join(dir, name)
		out, err := exec.Command("ffmpeg", append(append([]string{"-v", "error"}, args...), path)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return path
	}
	list := filepath.Join(dir, "list.mkv")
	require.NoError(t, os.WriteFile(list, []byte("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n"), 0o600))
	cover := make("cover.mka", "-f", "lavfi", "-i", "sine=d=1", "-f", "lavfi", "-i", "testsrc2=d=1", "-frames:v", "1",
		"-map", "0", "-map", "1", "-c:v", "png", "-disposition:v", "attached_pic", "-f", "mp3")
	for path, mention := range map[string]string{
		corpus.Make(t, "empty.mkv"):       "The file is empty.",
		corpus.Make(t, "not-a-video.mkv"): "This is not a video, or a damaged one: ffmpeg can't read it as a video",
		corpus.Make(t, "audio-only.mka"):  "no video, only sound",
		list:                              "This kind of file (ffmpeg calls it hls) is not taken",
		cover:                             "attached cover",
	} {
		_, err := scan(t, path)
		var refusal *pipeline.Refusal
		require.ErrorAs(t, err, &refusal, path)
		require.Contains(t, refusal.Reason, mention)
		require.NotContains(t, refusal.Reason, "\n")
		require.NotContains(t, refusal.Reason, dir)
	}
	req := request(t, corpus.Make(t, "odd-size.mkv"))
	req.Settings.Options = "--profile high"
	_, err := split.Make(context.Background(), tools(t), req)
	require.ErrorContains(t, err, "321×181")
	require.ErrorContains(t, err, "--output-csp i444")
}

func TestAFileThatCannotBeOpenedIsNotRefused(t *testing.T) {
	_, err := split.Make(context.Background(), tools(t), request(t, filepath.Join(t.TempDir(), "gone.mkv")))
	var refusal *pipeline.Refusal
	require.False(t, errors.As(err, &refusal))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAScanServesForTheMovedFile(t *testing.T) {
	dir := t.TempDir()
	path := corpus.Copy(t, "h264-open.mkv", dir)
	scan, err := scan(t, path)
	require.NoError(t, err)
	moved := filepath.Join(dir, "source.mkv")
	require.NoError(t, os.Rename(path, moved))
	req := request(t, moved)
	req.Scan = scan
	plan, err := split.Make(context.Background(), tools(t), req)
	require.NoError(t, err)
	require.Equal(t, "source.mkv", plan.Source)
	require.Equal(t, "source.mkv", plan.Original)
	require.Equal(t, 144, plan.Frames)
	require.Equal(t, "matroska", plan.Muxer)
	require.NotEmpty(t, plan.Nonce)
	require.Regexp(t, `^x264 core`, plan.Encoder)
}

// TestBothListsMakeOnePlan: no byte of a plan tells whether our own reader or ffprobe listed the packets.
func TestBothListsMakeOnePlan(t *testing.T) {
	for _, name := range []string{"h264-open.mkv", "hi10p-fansub.mkv", "vfr.mkv", "hevc-open.mkv", "infinite-gop.mkv"} {
		path := corpus.Make(t, name)
		own, err := scan(t, path)
		require.NoError(t, err)
		theirs := *own
		theirs.Packets, err = tools(t).Packets(t.Context(), path, own.Stream.Index)
		require.NoError(t, err)
		require.NotEqual(t, theirs.Packets.DTS, own.Packets.DTS, "our own reader has listed them")
		var plans [][]byte
		for _, source := range []*split.Source{own, &theirs} {
			req := request(t, path)
			req.Scan = source
			req.TestEncode = func(context.Context, media.Tools, *pipeline.Plan, string) (string, error) { return "x264", nil }
			plan, err := split.Make(t.Context(), tools(t), req)
			require.NoError(t, err)
			plan.Nonce = ""
			text, err := json.Marshal(plan)
			require.NoError(t, err)
			plans = append(plans, text)
		}
		require.Equal(t, string(plans[1]), string(plans[0]), name)
	}
}

func TestWhatIsMadeOfWhichSource(t *testing.T) {
	for name, want := range map[string]struct {
		normalised bool
		kind       pipeline.Kind
		muxer      string
		timescale  int64
	}{
		"h264-closed.mkv": {false, pipeline.KindPiece, "matroska", 0},
		"bframes.mp4":     {false, pipeline.KindRange, "mp4", 24000},
		"editlist.mp4":    {false, pipeline.KindRange, "mp4", 24000},
		"vfr.mp4":         {false, pipeline.KindRange, "mp4", 90000},
		"h264-open.ts":    {true, pipeline.KindPiece, "matroska", 0},
		"mpeg2.mpg":       {true, pipeline.KindPiece, "matroska", 0},
		"mpeg4.avi":       {true, pipeline.KindPiece, "matroska", 0},
	} {
		t.Run(name, func(t *testing.T) {
			req := request(t, corpus.Make(t, name))
			plan, err := split.Make(context.Background(), tools(t), req)
			require.NoError(t, err)
			require.Equal(t, want.normalised, plan.Source == "norm.abc.mkv")
			require.Equal(t, name, plan.Original)
			require.Equal(t, want.kind, plan.Chunks[0].Kind)
			require.Equal(t, want.muxer, plan.Muxer)
			require.Equal(t, want.timescale, plan.Timescale)
		})
	}
}

func TestMP4OutputOfMatroskaKeepsMilliseconds(t *testing.T) {
	req := request(t, corpus.Make(t, "vfr.mkv"))
	req.Settings.Container = "mp4"
	plan, err := split.Make(context.Background(), tools(t), req)
	require.NoError(t, err)
	require.Equal(t, []any{"mp4", int64(1000)}, []any{plan.Muxer, plan.Timescale})
}

// TestPackedBFramesAreUnpacked packs them as DivX did: xvid's own bitstream has two pictures in a packet.
func TestPackedBFramesAreUnpacked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "packed.avi")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=2", "-c:v", "libxvid",
		"-bf", "2", "-q:v", "4", path).CombinedOutput()
	if err != nil {
		t.Skipf("this ffmpeg has no libxvid: %s", out)
	}
	req := request(t, path)
	plan, err := split.Make(context.Background(), tools(t), req)
	require.NoError(t, err)
	require.Len(t, corpus.PTS(t, path), plan.Frames) // the AVI has not all 50: xvid begins late
	require.Equal(t, "norm.abc.mkv", plan.Source)
}

// Of several streams one that Matroska can't hold changes nothing for the others, and all that is changed is told.
func TestEachStreamIsNormalisedForItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dvd.vob")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=1", "-f", "lavfi",
		"-i", "sine=r=48000:d=1", "-map", "0", "-map", "1", "-map", "1",
		"-c:v", "mpeg2video", "-c:a:0", "ac3", "-c:a:1", "pcm_dvd", "-ac:a:1", "2", "-f", "vob", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	req := request(t, path)
	plan, err := split.Make(context.Background(), tools(t), req)
	require.NoError(t, err)
	require.Equal(t, 25, plan.Frames)
	f, err := tools(t).Probe(t.Context(), req.NormPath)
	require.NoError(t, err)
	var codecs, notes []string
	for _, s := range f.Streams {
		codecs = append(codecs, s.Codec)
	}
	for _, n := range plan.Notes {
		if strings.Contains(n, "Matroska") || strings.Contains(n, "left out") {
			notes = append(notes, n)
		}
	}
	require.ElementsMatch(t, []string{"mpeg2video", "ac3", "flac"}, codecs)
	require.Len(t, notes, 1)
	require.Contains(t, notes[0], "(pcm_dvd) becomes flac: Matroska can't hold it as it is")
}

// A program stream does not say at its start which tracks it has.
func TestATrackThatBeginsLateIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "late.vob")
	out, err := exec.Command("ffmpeg", "-v", "fatal", "-f", "lavfi", "-i",
		"color=gray:s=320x240:r=25:d=5,noise=alls=100:allf=t", "-itsoffset", "2.5", "-f", "lavfi", "-i", "sine=d=0.5",
		"-map", "0", "-map", "1", "-c:v", "mpeg2video", "-q:v", "2", "-c:a", "mp2", "-f", "vob", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	f, err := tools(t).Probe(t.Context(), path)
	require.NoError(t, err)
	require.Len(t, f.Streams, 1, "it begins behind what ffprobe looks at, and does not reach the end")
	req := request(t, path)
	_, err = split.Make(context.Background(), tools(t), req)
	require.NoError(t, err)
	f, err = tools(t).Probe(t.Context(), req.NormPath)
	require.NoError(t, err)
	require.Len(t, f.Streams, 2)
}

func TestPieceIsChecked(t *testing.T) {
	req := request(t, corpus.Make(t, "h264-open.mkv"))
	plan, err := split.Make(context.Background(), tools(t), req)
	require.NoError(t, err)
	require.Greater(t, len(plan.Chunks), 2)
	dst := filepath.Join(t.TempDir(), "piece")
	for i := range plan.Chunks {
		require.NoError(t, split.Piece(context.Background(), tools(t), plan, &plan.Chunks[i], req.Path, dst))
	}
	c := plan.Chunks[1]
	c.Packets += 1000
	require.ErrorIs(t, split.Piece(context.Background(), tools(t), plan, &c, req.Path, dst), split.ErrPiece)
	c = plan.Chunks[1]
	c.Key++
	require.ErrorIs(t, split.Piece(context.Background(), tools(t), plan, &c, req.Path, dst), split.ErrPiece)
	c.Packets = 0 // no master plans that
	require.ErrorIs(t, split.Piece(context.Background(), tools(t), plan, &c, req.Path, dst), split.ErrPiece)
}

// An MP4 whose index stands in front and whose end was never copied.
func TestACutOffFileKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	whole, path := filepath.Join(dir, "whole.mp4"), filepath.Join(dir, "cut.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=3", "-c:v", "libx264", "-g",
		"10", "-bf", "0",
		"-x264-params", "slices=1", "-movflags", "+faststart", whole).CombinedOutput()
	require.NoError(t, err, "%s", out)
	list, err := tools(t).Packets(context.Background(), whole, 0)
	require.NoError(t, err)
	data, err := os.ReadFile(whole)
	require.NoError(t, err)
	for _, frames := range []int{20, 60} { // fewer and more than are decoded at the start
		var size int
		for _, s := range list.Size[frames:] {
			size += int(s)
		}
		// 5 bytes of picture frames-1 are missing, and all behind it
		require.NoError(t, os.WriteFile(path, data[:len(data)-size-5], 0o600))
		req := request(t, path)
		plan, err := split.Make(context.Background(), tools(t), req)
		require.NoError(t, err)
		require.Len(t, corpus.PTS(t, path), plan.Frames)
		require.Contains(t, strings.Join(plan.Notes, "\n"), "cut off within its last picture")
		for i := range plan.Chunks {
			_, err := encode.Chunk(context.Background(), tools(t),
				encode.Request{Plan: plan, Chunk: &plan.Chunks[i], Source: path, Out: filepath.Join(dir, "chunk")})
			require.NoError(t, err)
		}
	}
}

// H.264 in AVI with nothing at the file's start that tells of its pictures.
func TestHeadersInThePicturesAreFound(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.avi")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=2", "-c:v", "libx264",
		"-bf", "0", "-g", "10",
		"-bsf:v", "dump_extra", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	// behind BITMAPINFOHEADER
	header := bytes.Index(data, []byte("strf")) + 8 + 40
	// which some encoders wrote there
	data = slices.Insert(data, header, 6, 0, 6, 0)
	// RIFF, hdrl, strl, strf, biSize
	for _, size := range []int{4, 16, bytes.Index(data, []byte("strl")) - 4, header - 44, header - 40} {
		binary.LittleEndian.PutUint32(data[size:], binary.LittleEndian.Uint32(data[size:])+4)
	}
	require.NoError(t, os.WriteFile(path, data, 0o600))
	require.Error(t, exec.Command("ffmpeg", "-v", "error", "-i", path, "-c", "copy", "-f", "matroska", "/dev/null").Run(),
		"no copy as it is")
	plan, err := split.Make(context.Background(), tools(t), request(t, path))
	require.NoError(t, err)
	require.Equal(t, 50, plan.Frames)
}

// A machine without threads or memory to spare says nothing about a film.
func TestAMachineInTroubleRefusesNothing(t *testing.T) {
	film := corpus.Make(t, "h264-open.mkv")
	f, err := os.Open(film)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	for _, way := range []string{
		`echo "can't create thread" >&2; exit 1`, `echo 'x: Connection timed out' >&2; exit 1`,
		`echo 'x: Host is down' >&2; exit 1`,
		`ulimit -v 100000; exec ffprobe "$@"`,
	} {
		limited := tools(t)
		limited.FFprobe = filepath.Join(t.TempDir(), "ffprobe")
		require.NoError(t, os.WriteFile(limited.FFprobe, []byte("#!/bin/sh\n"+way+"\n"), 0o700))
		_, err := split.Scan(t.Context(), limited, film, f)
		require.Error(t, err, way)
		_, refused := errors.AsType[*pipeline.Refusal](err)
		require.False(t, refused, "%s: %v", way, err)
	}
}

// A film that is one chunk needs no piece: it would be the whole film once more.
func TestAShortFilmIsReadWhereItIs(t *testing.T) {
	req := request(t, corpus.Make(t, "h264-closed.mkv"))
	req.Settings.Chunk = 3600
	plan, err := split.Make(context.Background(), tools(t), req)
	require.NoError(t, err)
	require.Len(t, plan.Chunks, 1)
	require.Equal(t, pipeline.KindRange, plan.Chunks[0].Kind)
}
