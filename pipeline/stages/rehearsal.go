package stages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/pipeline/split"
)

// rehearsed makes the source: a test picture of four seconds with a key frame in each, and a tone.
var rehearsed = []string{
	"-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=4", "-f", "lavfi", "-i", "sine=d=4",
	"-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "flac", "-f", "matroska",
}

// rehearsal is one run through the stages, in a folder of its own.
type rehearsal struct {
	tools  media.Tools
	dir    string
	source string
	plan   *pipeline.Plan
}

// Rehearse sends a small film of its own through all stages, as the farm does with a film: it encodes its chunks, two
// or more, with these settings, decodes them and compares their pictures, merges them and verifies the merge. It
// returns the number of chunks. dir is an empty folder, absolute, which the caller removes. The error is a
// *pipeline.Refusal if the settings are at fault; any other names the step that this machine's tools don't do.
func Rehearse(ctx context.Context, tools media.Tools, set pipeline.Settings, dir string) (chunks int, err error) {
	set.Chunk, set.Pieces = 2, pipeline.CopyPieces
	if !set.Crop.Auto { // by hand it is for films of another size
		set.Crop = pipeline.Crop{}
	}
	s := &rehearsal{tools: tools, dir: dir, source: filepath.Join(dir, "source.mkv")}
	args := append(append(media.BaseArgs(), rehearsed...), media.URL(s.source))
	if _, err := tools.Run(ctx, media.Command{Program: tools.FFmpeg, Args: args}); err != nil {
		return 0, fmt.Errorf("cannot make a test film: %w", err)
	}
	if err := s.makePlan(ctx, set); err != nil {
		return 0, err
	}
	if err := s.analyse(ctx); err != nil {
		return 0, err
	}
	req := merge.Request{Plan: s.plan, Source: s.source, Out: filepath.Join(dir, "merged"), WorkDir: dir}
	for i := range s.plan.Chunks {
		result, record, err := s.encode(ctx, &s.plan.Chunks[i])
		if err != nil {
			return 0, err
		}
		req.Results, req.CRCs = append(req.Results, result), append(req.CRCs, record.CRC32)
	}
	_, err = merge.Merge(ctx, tools, req)
	return len(req.Results), err
}

func (s *rehearsal) makePlan(ctx context.Context, set pipeline.Settings) (err error) {
	s.plan, err = split.Make(ctx, s.tools, split.Request{
		Job: "00000000-abcde", Path: s.source, NormPath: filepath.Join(s.dir, "norm.mkv"), CRC32: "00000000", Settings: set,
		TestEncode: encode.Test, TestRest: merge.TryRest,
	})
	if err != nil {
		return err
	}
	if n := len(s.plan.Chunks); n < 2 {
		return fmt.Errorf("a film of four seconds makes %d chunks of two", n)
	}
	file, err := s.tools.Probe(ctx, s.source)
	if err != nil {
		return err
	}
	return merge.TryConverted(ctx, s.tools, s.source, file, set)
}

// analyse measures the film if the settings want it, and makes the plan from that.
func (s *rehearsal) analyse(ctx context.Context) error {
	if s.plan.Analysis == "" {
		return nil
	}
	var lit pipeline.Rect
	for i := range s.plan.Chunks {
		b, record, err := encode.Bars(ctx, s.tools, encode.Request{
			Plan: s.plan, Chunk: &s.plan.Chunks[i], Source: s.source, Threads: 1,
		})
		if err != nil {
			return err
		}
		found, err := encode.ReadLit(s.plan, i, b, record)
		if err != nil {
			return err
		}
		lit = lit.Union(found.Part)
	}
	s.plan = s.plan.After(make([]pipeline.ResultRef, len(s.plan.Chunks)))
	return split.Cropped(ctx, s.tools, s.plan, lit, s.source, encode.Test)
}

// encode cuts a chunk, encodes it as a worker does, and accepts it as the master does.
func (s *rehearsal) encode(ctx context.Context, c *pipeline.Chunk) (result string, record *pipeline.Record, err error) {
	piece := filepath.Join(s.dir, fmt.Sprintf("%d.piece", c.Index))
	if err := split.Piece(ctx, s.tools, s.plan, c, s.source, piece); err != nil {
		return "", nil, err
	}
	result = filepath.Join(s.dir, fmt.Sprintf("%d.result", c.Index))
	spare := result + ".spare"
	record, err = encode.Chunk(ctx, s.tools, encode.Request{
		Plan: s.plan, Chunk: c, Source: s.source, Piece: piece, Out: result, Spare: spare, Threads: 1,
	})
	if err != nil {
		return "", nil, err
	}
	if record.Spare {
		result = spare
	}
	f, err := os.Open(result)
	if err != nil {
		return "", nil, err
	}
	clip, err := encode.Check(ctx, s.tools, s.plan, c, f, result)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", nil, err
	}
	return result, record, encode.PictureCheck{
		Plan: s.plan, Chunk: c, Source: s.source, Result: result, Clip: clip, Method: record.Method,
		CRF: record.Quality.CRF,
	}.Compare(ctx, s.tools)
}
