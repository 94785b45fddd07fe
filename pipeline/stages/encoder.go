package stages

import (
	"context"
	"fmt"
	"sync"

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
	builds  *Builds
	crfs    crfs
	nice    int
	version string
	taken   settled
}

// settled is what came of the settings of the film that was tried last. Safe for concurrent use.
type settled struct {
	mu    sync.Mutex
	job   string
	build pipeline.Build
	err   error
}

// NewEncoder asks ffmpeg for its version and whether it has the encoder.
func NewEncoder(
	ctx context.Context, share *sharefs.FS, tools media.Tools, builds *Builds, nice int,
) (*Encoder, error) {
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
	return &Encoder{share: share, tools: tools, builds: builds, nice: nice, version: version}, nil
}

// Version implements worker.Encoder.
func (e *Encoder) Version() string { return e.version }

// Build implements worker.Encoder.
func (e *Encoder) Build(ctx context.Context, name, format string) (pipeline.Build, error) {
	return e.builds.Of(ctx, name, format)
}

// Builds implements worker.Encoder.
func (e *Encoder) Builds(ctx context.Context) []pipeline.Offer { return e.builds.All(ctx) }

// Measures implements worker.Encoder.
func (e *Encoder) Measures(ctx context.Context, m pipeline.Metric) error {
	return e.builds.Measures(ctx, m)
}

// Metrics implements worker.Encoder.
func (e *Encoder) Metrics(ctx context.Context) []pipeline.Metric { return e.builds.Metrics(ctx) }

// Encode implements worker.Encoder.
func (e *Encoder) Encode(ctx context.Context, t *worker.Task) (*pipeline.Record, error) {
	req := encode.Request{
		Plan: t.Plan, Chunk: t.Chunk, Source: e.share.Path(pipeline.JobFile(t.File.Job, t.Plan.Source)),
		Out: e.share.Path(t.File.Partial()), Spare: e.share.Path(t.File.Spare()),
		Threads: t.Threads, Nice: e.nice, Progress: t.Progress, Near: e.crfs.near(t.File.Job, t.File.Chunk),
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
	switch t.Plan.Analysis {
	case pipeline.Bars:
		return e.measure(ctx, t, req)
	case pipeline.Rate:
		return e.measureRate(ctx, t, req)
	}
	if t.Plan.Buffer.Bounds() {
		var err error
		if req.Allowance, _, err = pipeline.LoadAllowance(e.share, t.File); err != nil {
			return nil, err
		}
	}
	if err := e.takes(ctx, t, req.Source); err != nil {
		return nil, err
	}
	req.Spending = t.Spending
	record, err := encode.Chunk(ctx, e.tools, req)
	if err != nil {
		return record, e.reconsider(ctx, t, req.Source, err)
	}
	e.crfs.know(t.File.Job, t.File.Chunk, record.Quality)
	return record, e.sameBuild(ctx, t, record)
}

// reconsider tries a film's settings after a failed encode where that had been spared, because this machine took such
// settings before. What it says then is what people would have been told at submission, and holds for all its chunks.
func (e *Encoder) reconsider(ctx context.Context, t *worker.Task, source string, failed error) error {
	if !media.Settles(failed) || !e.tools.Facts.Doubt() {
		return failed
	}
	_, err := encode.Test(ctx, e.tools, t.Plan, source)
	build, unknown := e.builds.Of(ctx, t.Plan.Settings.Encoder, t.Plan.Out.PixFmt)
	if !refused(err) || unknown != nil {
		return failed
	}
	e.taken.mu.Lock()
	defer e.taken.mu.Unlock()
	e.taken.job, e.taken.build, e.taken.err = t.File.Job, build, err
	return fmt.Errorf("%w (%w)", err, failed)
}

// measure measures a chunk for an analysis.
func (e *Encoder) measure(ctx context.Context, t *worker.Task, req encode.Request) (*pipeline.Record, error) {
	result, record, err := encode.Bars(ctx, e.tools, req)
	if err != nil {
		return nil, err
	}
	return record, e.share.Create(t.File.Partial(), result)
}

// takes tries a film's settings with its first picture where another version of the encoder than this machine's took
// them at submission. Encoders go on without an option that they don't know, and the film would lack it without a word.
func (e *Encoder) takes(ctx context.Context, t *worker.Task, source string) error {
	build, err := e.builds.Of(ctx, t.Plan.Settings.Encoder, t.Plan.Out.PixFmt)
	if err != nil {
		return nil // what is wrong with an encoder the encode tells
	}
	e.taken.mu.Lock()
	defer e.taken.mu.Unlock()
	switch {
	case e.taken.job == t.File.Job && e.taken.build == build:
		return e.taken.err
	case build.Version == t.Plan.Encoder:
		return nil
	}
	_, err = encode.Test(ctx, e.tools, t.Plan, source)
	if err != nil && !refused(err) {
		return err
	}
	if err != nil {
		err = fmt.Errorf("the settings were tried with %s, and this machine has %s: %w", t.Plan.Encoder, build, err)
	}
	e.taken.job, e.taken.build, e.taken.err = t.File.Job, build, err
	return err
}

// sameBuild writes down which build has encoded the chunk. Where the encoder has told another version in it than when
// it was tried, it is tried again.
func (e *Encoder) sameBuild(ctx context.Context, t *worker.Task, record *pipeline.Record) (err error) {
	name, format := t.Plan.Settings.Encoder, t.Plan.Out.PixFmt
	if record.Build, err = e.builds.Of(ctx, name, format); record.Encoder != record.Build.Version && record.Encoder != "" {
		e.builds.Forget(name)
		record.Build, err = e.builds.Of(ctx, name, format)
	}
	own := record.Encoder == "" || record.Encoder == record.Build.Version // else it was replaced, and put back meanwhile
	switch {
	case !t.Build.Known() || record.Build == t.Build && own:
		return nil
	case err != nil && !refused(err):
		return err
	}
	return worker.ErrOtherBuild
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
