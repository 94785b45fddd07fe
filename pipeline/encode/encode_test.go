package encode_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/pipeline/split"
	"github.com/distenc/distenc/test/corpus"
)

const fast = "--preset ultrafast --crf 20"

// job is a planned source, with the folder its files lie in.
type job struct {
	tools  media.Tools
	plan   *pipeline.Plan
	source string // the plan's
	dir    string
}

func plan(t *testing.T, source string, s pipeline.Settings) (job, error) {
	t.Helper()
	return planFor(t, source, s, 0)
}

// planFor plans for so many encodes side by side.
func planFor(t *testing.T, source string, s pipeline.Settings, slots int) (job, error) {
	t.Helper()
	s.Encoder = cmp.Or(s.Encoder, encoder.All()[0].Name())
	tools, err := media.Find(nil)
	require.NoError(t, err)
	j := job{tools: tools, source: source, dir: t.TempDir()}
	norm := filepath.Join(j.dir, "norm.abc.mkv")
	j.plan, err = split.Make(context.Background(), tools, split.Request{
		Job: "00000000-abcde", Path: source, NormPath: norm, CRC32: "00000000", Settings: s, TestEncode: encode.Test,
		TestRest: merge.TryRest, Slots: func(string) int { return slots },
	})
	if err == nil && j.plan.Source != j.plan.Original {
		j.source = norm
	}
	return j, err
}

func mustPlan(t *testing.T, source string, s pipeline.Settings) job {
	t.Helper()
	j, err := plan(t, source, s)
	require.NoError(t, err)
	return j
}

func (j job) request(i int) encode.Request {
	return encode.Request{
		Plan: j.plan, Chunk: &j.plan.Chunks[i], Source: j.source, Threads: 1,
		Out: filepath.Join(j.dir, fmt.Sprintf("%d.tmp", i)),
	}
}

// encodeAll encodes each chunk, from its piece where it has one, and returns results and records.
func (j job) encodeAll(t *testing.T) (results []string, records []*pipeline.Record) {
	t.Helper()
	for i := range j.plan.Chunks {
		req := j.request(i)
		if req.Chunk.Kind == pipeline.KindPiece {
			req.Piece = filepath.Join(j.dir, fmt.Sprintf("%d.piece", i))
			err := split.Piece(context.Background(), j.tools, j.plan, req.Chunk, j.source, req.Piece)
			if errors.Is(err, split.ErrPiece) {
				req.Piece, err = "", nil
			}
			require.NoError(t, err)
		}
		rec, err := encode.Chunk(context.Background(), j.tools, req)
		require.NoError(t, err)
		results, records = append(results, req.Out), append(records, rec)
	}
	return results, records
}

// TestLaterChunksBeginAsFine: a chunk that begins within the film begins with an I frame like those that one whole
// encode has there.
func TestLaterChunksBeginAsFine(t *testing.T) {
	path := corpus.Make(t, "h264-closed.mkv")
	const settings = "--preset veryfast --crf 20"
	j := mustPlan(t, path, pipeline.Settings{Encoder: "x264", Options: settings, Chunk: 2})
	req := j.request(1)
	_, err := encode.Chunk(context.Background(), j.tools, req)
	require.NoError(t, err)

	whole := filepath.Join(j.dir, "whole.mkv")
	at := fmt.Sprintf("%.6f", j.plan.Video.TimeBase.Seconds(req.Chunk.Start))
	out, err := exec.Command("ffmpeg", "-v", "error", "-copyts", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough",
		"-enc_time_base", strings.ReplaceAll(j.plan.Video.TimeBase.String(), "/", ":"),
		"-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-force_key_frames", at, whole).CombinedOutput()
	require.NoError(t, err, "%s", out)
	ours, theirs := firstPacket(t, req.Out, "0"), firstPacket(t, whole, at)
	require.InEpsilon(t, theirs, ours, 0.05, "bytes")
}

// firstPacket is the size in bytes of the video packet at a time, in seconds.
func firstPacket(t *testing.T, path, at string) int {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0", "-read_intervals", at+"%+#1",
		"-show_entries", "packet=size", "-of", "csv=p=0", path).Output()
	require.NoError(t, err)
	var n int
	_, err = fmt.Sscanf(string(out), "%d", &n)
	require.NoError(t, err, "%s", out)
	return n
}

func TestRecordTellsOfTheResult(t *testing.T) {
	j := mustPlan(t, corpus.Make(t, "h264-closed.mkv"), pipeline.Settings{Encoder: "x264", Options: fast, Chunk: 2})
	req := j.request(1)
	var frames int
	req.Progress = func(n int, _ int64) { frames = n }
	var started int
	req.Started = func(p *media.Process) { started = p.PID() }
	rec, err := encode.Chunk(context.Background(), j.tools, req)
	require.NoError(t, err)
	info, err := os.Stat(req.Out)
	require.NoError(t, err)
	require.Equal(t, info.Size(), rec.Size)
	out, err := exec.Command("python3", "-c", "import sys,zlib;print('%08X'%zlib.crc32(open(sys.argv[1],'rb').read()))",
		req.Out).Output()
	if err == nil {
		require.Equal(t, rec.CRC32+"\n", string(out))
	}
	require.Equal(t, req.Chunk.PTS.Len(), rec.Frames)
	require.Equal(t, rec.Frames, frames)
	require.NotZero(t, started)
	require.Regexp(t, `^x264 core [0-9]+`, rec.Encoder)
	require.Equal(t, "seek 1", rec.Method)
	clip, err := j.check(t, 1, req.Out)
	require.NoError(t, err)
	require.Equal(t, []any{rec.Frames, rec.Extradata, rec.CRC32}, []any{len(clip.PTS), clip.Extradata, clip.CRC32})
}

func TestAPlaceThatDoesNotDoIsFoundOut(t *testing.T) {
	j := mustPlan(t, corpus.Make(t, "h264-open.mkv"), pipeline.Settings{Encoder: "x264", Options: fast, Chunk: 1.5})
	req := j.request(1)
	req.Chunk.Seeks[0] = j.plan.Chunks[2].Seeks[0] // behind the chunk's first frames
	rec, err := encode.Chunk(context.Background(), j.tools, req)
	require.NoError(t, err)
	require.Equal(t, "seek 2", rec.Method)
	req.Chunk.Seeks = req.Chunk.Seeks[:1]
	rec, err = encode.Chunk(context.Background(), j.tools, req)
	require.NoError(t, err)
	require.Equal(t, "from the start", rec.Method)
}

// An encoder that is given no picture at all need not come to an end: SVT-AV1 1.4.1 sleeps.
func TestAPlaceBehindTheChunkIsFoundOut(t *testing.T) {
	for _, e := range encoder.All() {
		t.Run(e.Name(), func(t *testing.T) {
			j := mustPlan(t, corpus.Make(t, "h264-open.mkv"),
				pipeline.Settings{Encoder: e.Name(), Options: candidates[e.Name()].player, Chunk: 1.5})
			j.tools.Hurry = 20
			req, last := j.request(0), len(j.plan.Chunks)-1
			req.Chunk.Seeks = append([]int64{j.plan.Chunks[last].Key}, req.Chunk.Seeks...)
			rec, err := encode.Chunk(t.Context(), j.tools, req)
			require.NoError(t, err)
			require.NotEqual(t, "seek 1", rec.Method)
		})
	}
}

func TestABadPieceIsNotUsed(t *testing.T) {
	j := mustPlan(t, corpus.Make(t, "h264-open.mkv"), pipeline.Settings{Encoder: "x264", Options: fast, Chunk: 1.5,
		Pieces: "copy"})
	wrong := filepath.Join(j.dir, "piece")
	require.NoError(t, split.Piece(context.Background(), j.tools, j.plan, &j.plan.Chunks[0], j.source, wrong))
	garbage := filepath.Join(j.dir, "garbage")
	require.NoError(t, os.WriteFile(garbage, []byte("no video"), 0o600))
	for _, piece := range []string{wrong, garbage} {
		req := j.request(2)
		req.Piece = piece
		rec, err := encode.Chunk(context.Background(), j.tools, req)
		require.NoError(t, err)
		require.Equal(t, "seek 1", rec.Method)
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	j := mustPlan(t, corpus.Make(t, "h264-open.mkv"), pipeline.Settings{Encoder: "x264", Options: fast, Chunk: 1.5})
	results, _ := j.encodeAll(t)
	_, err := j.check(t, 1, results[0])
	require.ErrorIs(t, err, encode.ErrFrames)
	data, err := os.ReadFile(results[1])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(results[1], data[:len(data)*8/10], 0o600))
	_, err = j.check(t, 1, results[1])
	require.ErrorIs(t, err, encode.ErrFrames)
	_, err = j.check(t, 1, j.source)
	require.ErrorIs(t, err, encode.ErrFrames)
}

func (j job) check(t *testing.T, chunk int, path string) (*media.Clip, error) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	return encode.Check(t.Context(), j.tools, j.plan, &j.plan.Chunks[chunk], f, path)
}

// TestWhatCannotBeHadIsAnError plans a frame that the source does not have.
func TestWhatCannotBeHadIsAnError(t *testing.T) {
	j := mustPlan(t, corpus.Make(t, "two-frames.mkv"), pipeline.Settings{Encoder: "x264", Options: fast, Chunk: 1.5})
	c := &j.plan.Chunks[0]
	c.PTS = pipeline.NewTimestamps(append(c.PTS.All(), c.End+40)...)
	c.End += 41
	_, err := encode.Chunk(context.Background(), j.tools, j.request(0))
	require.ErrorIs(t, err, encode.ErrFrames)
	require.ErrorContains(t, err, "2 came out, 3 are planned")
}

func TestAStoppedEncodeEnds(t *testing.T) {
	j := mustPlan(t, corpus.Make(t, "h264-closed.mkv"), pipeline.Settings{Encoder: "x264", Options: "--preset placebo",
		Chunk: 60})
	ctx, cancel := context.WithCancel(context.Background())
	req := j.request(0)
	req.Started = func(*media.Process) { cancel() }
	_, err := encode.Chunk(ctx, j.tools, req)
	require.ErrorIs(t, err, context.Canceled)
}

func TestSettingsThatX264DoesNotTakeAreRefused(t *testing.T) {
	path := corpus.Make(t, "one-frame.mkv")
	for settings, mention := range map[string]string{
		"--profile high --output-depth 10": "bit depth",
		"--profile high --qp 0":            "lossless",
		"--preset turbo":                   "--preset",
		"--stats /tmp/x":                   "--stats",
		"--avcintra-class 50":              "AVC-Intra",
		"--profile high --output-csp i444": "4:4:4",
		"--cqm4 1,2":                       "cqm4",
		"--profile high422 --output-csp i444 --output-depth 8": "4:4:4",
	} {
		_, err := plan(t, path, pipeline.Settings{Encoder: "x264", Options: settings})
		var refusal *pipeline.Refusal
		require.ErrorAs(t, err, &refusal, settings)
		require.Contains(t, refusal.Reason, mention, settings)
	}
}
