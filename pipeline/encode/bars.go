package encode

import (
	"context"
	"fmt"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Lit is the result of the analysis for bars: which part of a chunk's pictures is not black in all of them.
type Lit struct {
	Frames int           `json:"frames"`
	Dark   int           `json:"dark"` // of the frames, those that are dark all over, which count for nothing
	Part   pipeline.Rect `json:"lit"`  // of the source's pictures; the zero Rect where all of them are dark
}

// Bars looks at every picture of a chunk and measures which part of it is lit. It returns what the chunk's result is to
// hold, a Lit, and its record, of which Chunk, Attempt and Node are left to the caller. Errors are those of Chunk.
func Bars(ctx context.Context, tools media.Tools, req Request) ([]byte, *pipeline.Record, error) {
	start := time.Now()
	plan := *req.Plan
	plan.Out = pipeline.Picture{} // nothing is done to the pictures
	req.Plan = &plan
	var last error
	for _, in := range ladder(req) {
		found, err := measureBars(ctx, tools, req, in)
		if err == nil {
			return measurement(found, pipeline.Record{Frames: found.Frames, Method: in.method}, start)
		}
		if last = err; !worthAnother(ctx, err) {
			break
		}
	}
	return nil, nil, fmt.Errorf("cannot measure chunk %d: %w", req.Chunk.Index, last)
}

func measureBars(ctx context.Context, tools media.Tools, req Request, in input) (Lit, error) {
	l := newLight(req.Plan.Video)
	if req.Progress != nil {
		l.taken = func(frames int) { req.Progress(frames, 0) }
	}
	args := append(decoding(req.Plan, in, l.filters(req.Plan.Video, in), req.Threads), "-f", "rawvideo", "pipe:1")
	_, err := tools.Run(ctx, media.Command{
		Program: tools.FFmpeg, Args: args, Stdout: l, Nice: req.Nice, Started: req.Started, Limits: limits(req, in),
	})
	switch {
	case err != nil:
		return Lit{}, err
	case l.frames != req.Chunk.PTS.Len():
		return Lit{}, fmt.Errorf("%w: %d came out, %d are planned", ErrFrames, l.frames, req.Chunk.PTS.Len())
	}
	return Lit{Frames: l.frames, Dark: l.dark, Part: l.part()}, nil
}

// ReadLit reads what was measured of a chunk of the plan. It refuses what is not the record's, and what could not have
// been measured.
func ReadLit(plan *pipeline.Plan, chunk int, b []byte, r *pipeline.Record) (l Lit, err error) {
	if err := readMeasurement(b, r, &l); err != nil {
		return l, err
	}
	if n := plan.Chunks[chunk].PTS.Len(); l.Frames != n || l.Dark < 0 || l.Dark > n {
		return l, fmt.Errorf("%w: %d were measured, %d are planned", ErrFrames, l.Frames, n)
	}
	dark := l.Part == (pipeline.Rect{})
	if dark != (l.Dark == l.Frames) || !dark && !l.Part.Within(plan.Video.Width, plan.Video.Height) {
		return l, fmt.Errorf("the result can't be: of %d frames %d are dark, and %s is lit", l.Frames, l.Dark, l.Part)
	}
	return l, nil
}
