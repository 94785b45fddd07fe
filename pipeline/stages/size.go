package stages

import (
	"context"
	"fmt"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/pipeline/worker"
)

// allot decides how many bytes the film's video may have, where its size is limited: sound and other tracks are counted
// first. A limit that can't hold them is refused.
func (s *Media) allot(ctx context.Context, plan *pipeline.Plan, source *media.File) error {
	size, b := plan.Settings.Size, plan.Budget
	if size.None() {
		return nil
	}
	enc, err := encoder.Named(plan.Settings.Encoder)
	if err != nil {
		return err
	}
	crf := enc.CRF(plan.Encoder)
	b.Range, b.Range.Most = crf.CRFs, crf.Worst
	b.Limit = size.Bytes(plan.SourceSize, plan.Seconds())
	if !size.OfVideo() {
		path := s.FS.Path(pipeline.JobFile(plan.Job, plan.Source))
		if b.Rest, err = merge.Rest(ctx, s.Tools, path, source, plan.Settings, plan.Frames); err != nil {
			return err
		}
	}
	const least = 16 // bytes of a picture: there is none that shows anything
	if left := b.Limit - b.Rest; left < int64(least*plan.Frames) {
		return pipeline.Refuse("With size = %q nothing is left for the video: the file may have %s, and sound, other "+
			"tracks and the container take %s. Allow more, or have less of them: audio = \"aac 96k\", subtitles = \"none\".",
			size, pipeline.Bytes(b.Limit), pipeline.Bytes(b.Rest))
	}
	return nil
}

// divide shares the bytes that the video may have among the chunks, by what was measured of them.
func (s *Media) divide(next, p *pipeline.Plan, chunks []pipeline.ChunkFile, records []pipeline.Record) error {
	b := *p.Budget
	b.Curves = nil
	for i, c := range chunks {
		curve, err := s.rates(p, c, &records[i])
		if err != nil {
			return badMeasurement(i, err)
		}
		b.Curves = append(b.Curves, curve)
	}
	crfs, least, fits := b.Begin()
	if !fits {
		return pipeline.Refuse("With size = %q the film does not fit: with --crf %g, the highest, it takes about %s, and it "+
			"may have %s. Allow more, or make its pictures smaller with scale.",
			p.Settings.Size, b.Range.Most, pipeline.Bytes(least), pipeline.Bytes(b.Limit))
	}
	b.CRFs, next.Budget = crfs, &b
	rest := ""
	if b.Rest > 0 {
		rest = fmt.Sprintf(", %s of it for sound, other tracks and the container", pipeline.Bytes(b.Rest))
	}
	rate := float64(b.Limit-b.Rest) * 8 / 1000 / max(1e-3, p.Seconds())
	next.Note("The film may have %s%s (size = %q): that leaves %.0f kbit/s for the video, which is encoded with --crf %g "+
		"at first.", pipeline.Bytes(b.Limit), rest, p.Settings.Size, rate, crfs[0])
	return nil
}

// rates reads how many bytes a chunk was measured to take.
func (s *Media) rates(p *pipeline.Plan, c pipeline.ChunkFile, r *pipeline.Record) (pipeline.Curve, error) {
	b, err := s.FS.Read(c.Result(), maxMeasurement)
	if err != nil {
		return nil, err
	}
	return encode.ReadRates(p, c.Chunk, b, r)
}

// measureRate measures how many bytes a chunk takes, for a size.
func (e *Encoder) measureRate(ctx context.Context, t *worker.Task, req encode.Request) (*pipeline.Record, error) {
	result, record, err := encode.Rate(ctx, e.tools, req)
	if err == nil {
		err = e.sameBuild(ctx, t, record)
	}
	if err != nil {
		return nil, err
	}
	if err := e.share.Remove(t.File.Partial()); err != nil { // what was counted
		return nil, err
	}
	return record, e.share.Create(t.File.Partial(), result)
}
