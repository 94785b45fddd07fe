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
		if err := s.share(next, p, chunks, records); err != nil {
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
		_, unread := errors.AsType[*fs.PathError](err)
		switch {
		case unread && !errors.Is(err, fs.ErrNotExist):
			return err
		case err != nil:
			return &pipeline.BadChunk{Index: i, Reason: err.Error()}
		}
		lit = lit.Union(l.Part)
	}
	name := pipeline.JobFile(p.Job, p.Source)
	if err := s.FS.Regular(name); err != nil {
		return err
	}
	return split.Cropped(ctx, s.Tools, next, lit, s.FS.Path(name), encode.Test)
}

// maxLit bounds the result of an analysis for bars, in bytes.
const maxLit = 4096

// lit reads what was measured of a chunk.
func (s *Media) lit(p *pipeline.Plan, c pipeline.ChunkFile, r *pipeline.Record) (encode.Lit, error) {
	b, err := s.FS.Read(c.Result(), maxLit)
	if err != nil {
		return encode.Lit{}, err
	}
	return encode.ReadLit(p, c.Chunk, b, r)
}
