package stages

import (
	"context"
	"fmt"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/worker"
)

// Encoder is the worker.Encoder with ffmpeg.
type Encoder struct {
	share   *sharefs.FS
	tools   media.Tools
	threads int // of one encode
	nice    int
	version string
}

// NewEncoder asks ffmpeg for its version and whether it has the encoder.
func NewEncoder(ctx context.Context, share *sharefs.FS, tools media.Tools, threads, nice int) (*Encoder, error) {
	version, err := tools.Version(ctx, media.KnownTools()[0])
	if err != nil {
		return nil, err
	}
	listing, err := tools.Encoders(ctx)
	if err != nil {
		return nil, err
	}
	if missing := encoder.Missing(listing); len(missing) == len(encoder.All()) {
		return nil, fmt.Errorf("%s has no %s encoder: install an ffmpeg that was built with it (Debian's has it)",
			tools.FFmpeg, missing[0].Library())
	}
	return &Encoder{share: share, tools: tools, threads: threads, nice: nice, version: version}, nil
}

// Version implements worker.Encoder.
func (e *Encoder) Version() string { return e.version }

// Encode implements worker.Encoder.
func (e *Encoder) Encode(ctx context.Context, t *worker.Task) (*pipeline.Record, error) {
	req := encode.Request{
		Plan: t.Plan, Chunk: t.Chunk, Source: e.share.Path(pipeline.JobFile(t.File.Job, t.Plan.Source)),
		Out: e.share.Path(t.File.Partial()), Threads: e.threads, Nice: e.nice, Progress: t.Progress,
		Started: func(p *media.Process) { t.Controlled(controlOf(p)) },
	}
	defer t.Controlled(nil)
	inputs := []string{pipeline.JobFile(t.File.Job, t.Plan.Source)}
	if t.File.Kind == pipeline.KindPiece { // a range's text is for people
		inputs = append(inputs, t.File.Path())
		req.Piece = e.share.Path(t.File.Path())
	}
	for _, name := range inputs {
		if err := e.share.Regular(name); err != nil {
			return nil, err
		}
	}
	return encode.Chunk(ctx, e.tools, req)
}

// controlOf lets the lease pause a child and see that it lives.
func controlOf(p *media.Process) *worker.Control {
	return &worker.Control{Pause: p.Pause, Resume: p.Resume, Memory: p.Memory, Life: func() int64 {
		cpu, err := p.CPU()
		if err != nil {
			return worker.Ended
		}
		return int64(cpu)
	}}
}
