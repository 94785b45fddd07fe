package stages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/split"
)

// Conclude implements master.Stages.
func (s *Media) Conclude(
	ctx context.Context, j *pipeline.Job, p *pipeline.Plan, chunks []pipeline.ChunkFile, records []pipeline.Record,
) (*pipeline.Plan, error) {
	results := make([]pipeline.ResultRef, len(chunks))
	for i, c := range chunks {
		results[i] = pipeline.RefTo(c, &records[i])
	}
	next := p.After(results)
	switch p.Analysis {
	case pipeline.Bars:
		if err := s.crop(ctx, next, p, chunks, records); err != nil {
			return nil, err
		}
	case pipeline.Rate:
		if err := s.divide(next, p, chunks, records); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("the job %s is measured for %q, which this version does not know", j.ID, p.Analysis)
	}
	return next, s.equip(ctx, next, pipeline.Crew(s.FS))
}

// crop decides which part of the pictures is kept: what is lit in any chunk.
func (s *Media) crop(
	ctx context.Context, next, p *pipeline.Plan, chunks []pipeline.ChunkFile, records []pipeline.Record,
) error {
	var lit pipeline.Rect
	for i, c := range chunks {
		l, err := s.lit(p, c, &records[i])
		if err != nil {
			return badMeasurement(i, err)
		}
		lit = lit.Union(l.Part)
	}
	name := pipeline.JobFile(p.Job, p.Source)
	if err := s.FS.Regular(name); err != nil {
		return err
	}
	return split.Cropped(ctx, s.Tools, next, lit, s.FS.Path(name), encode.Test)
}

// badMeasurement is the error for an accepted result of an analysis that can't be used. One that can't be read now may
// be in order.
func badMeasurement(chunk int, err error) error {
	if _, unread := errors.AsType[*fs.PathError](err); unread && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return &pipeline.BadChunk{Index: chunk, Reason: err.Error()}
}

// maxMeasurement bounds the result of an analysis, in bytes.
const maxMeasurement = 4096

// lit reads which part of a chunk's pictures was measured to be lit.
func (s *Media) lit(p *pipeline.Plan, c pipeline.ChunkFile, r *pipeline.Record) (encode.Lit, error) {
	b, err := s.FS.Read(c.Result(), maxMeasurement)
	if err != nil {
		return encode.Lit{}, err
	}
	return encode.ReadLit(p, c.Chunk, b, r)
}
