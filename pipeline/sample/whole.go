package sample

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/pipeline/split"
)

// whole encodes all of the film with all settings, as a job does, and merges it: what it is then was counted.
func (r *run) whole(ctx context.Context) error {
	for i, c := range r.sampled() {
		r.req.Progress(float64(i)/float64(len(r.sampled())), "encoding all of it")
		if err := r.wholeOf(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) wholeOf(ctx context.Context, c *Candidate) error {
	plan, err := split.Make(ctx, r.tools, split.Request{
		Job: c.plan.Job, Path: r.film.path, CRC32: c.plan.CRC32, Settings: c.plan.Settings, Scan: r.film.scan,
		TestEncode: encode.Test, TestRest: merge.TryRest,
	})
	if err == nil {
		err = r.film.crop(ctx, r.tools, r.req, plan)
	}
	if err != nil {
		return err
	}
	c.parts, c.chunks = make([]part, len(plan.Chunks)), len(plan.Chunks)
	tasks := r.req.tasks(ctx)
	for i := range plan.Chunks {
		tasks.Go(func() (err error) {
			c.parts[i], err = r.chunk(tasks.ctx, plan, &plan.Chunks[i])
			return err
		})
	}
	if err := tasks.Wait(); err != nil {
		return err
	}
	c.Whole, c.strata = true, nil
	work := 0.0
	for _, p := range c.parts {
		work += p.seconds
	}
	c.Work = exactly(work)
	return r.merge(ctx, c, plan)
}

// chunk encodes one of the plan's chunks and measures it.
func (r *run) chunk(ctx context.Context, plan *pipeline.Plan, chunk *pipeline.Chunk) (part, error) {
	at := cell{from: chunk.First, to: chunk.First + chunk.PTS.Len()}
	p := part{cell: at, window: at, req: r.request(plan, chunk)}
	if chunk.Kind == pipeline.KindPiece {
		p.req.Piece = p.req.Out + ".piece"
		if err := split.Piece(ctx, r.tools, plan, chunk, r.film.path, p.req.Piece); err != nil {
			return part{}, err
		}
	}
	return r.encode(ctx, p)
}

// merge makes the output of a candidate's parts, to know its size.
func (r *run) merge(ctx context.Context, c *Candidate, plan *pipeline.Plan) error {
	req := merge.Request{Plan: plan, Source: r.film.path, File: r.film.scan.File, WorkDir: r.req.Dir,
		Out: filepath.Join(r.req.Dir, "merged")}
	for _, p := range c.parts {
		req.Results, req.CRCs = append(req.Results, p.req.Out), append(req.CRCs, p.record.CRC32)
	}
	out, err := merge.Merge(ctx, r.tools, req)
	if err != nil {
		return fmt.Errorf("cannot merge what was encoded with %s: %w", c.Settings.Profile, err)
	}
	c.Size = exactly(float64(out.Size))
	return nil
}
