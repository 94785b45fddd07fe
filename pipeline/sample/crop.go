package sample

import (
	"context"
	"errors"
	"sync"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/split"
)

// Bars are looked for in so many places of a film, in seconds at each. The farm looks at all of it.
const barPlaces, barSeconds = 32, 1.0

// crop decides the pictures of a plan with crop = "auto": by what is lit in parts of the film.
func (f *film) crop(ctx context.Context, tools media.Tools, req Request, plan *pipeline.Plan) error {
	if plan.Analysis != pipeline.Bars {
		return nil
	}
	plan.Analysis = ""
	if f.lit == nil {
		lit, err := f.light(ctx, tools, req, plan)
		if err != nil {
			return err
		}
		f.lit = &lit
	}
	if err := split.Cropped(ctx, tools, plan, *f.lit, f.path, encode.Test); err != nil {
		return err
	}
	plan.Note("The bars were looked for in %d places here; the farm looks at all of the film.", barPlaces)
	return nil
}

// light is the part of the pictures that is lit somewhere.
func (f *film) light(ctx context.Context, tools media.Tools, req Request, plan *pipeline.Plan) (pipeline.Rect, error) {
	length := max(1, int(barSeconds*float64(len(f.frames))/f.seconds()))
	cells := f.cells(length)
	var mu sync.Mutex
	var lit pipeline.Rect
	tasks := req.tasks(ctx)
	for i := range min(barPlaces, len(cells)) {
		at := cells[i*len(cells)/min(barPlaces, len(cells))]
		tasks.Go(func() error {
			small, chunk := f.window(plan, at)
			text, record, err := encode.Bars(tasks.ctx, tools, encode.Request{
				Plan: small, Chunk: chunk, Source: f.path, Threads: req.Threads, Nice: req.Nice,
			})
			var found encode.Lit
			if err == nil {
				found, err = encode.ReadLit(small, chunk.Index, text, record)
			}
			if errors.Is(err, encode.ErrFrames) { // other places tell as much
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			lit = lit.Union(found.Part)
			return err
		})
	}
	err := tasks.Wait()
	return lit, err
}
