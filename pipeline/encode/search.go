package encode

import (
	"context"
	"fmt"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// maxProbes is how often a chunk is encoded as a whole, at most. The first may be off by what a part of the chunk does
// not tell of the whole, the second by what was expected of a step of the CRF; the third is near.
const maxProbes = 4

// finding is a chunk's result, and how it scored where that was asked for.
type finding struct {
	result
	scored pipeline.Scored
	spare  bool // it is in Request.Spare
}

// search encodes a chunk with one CRF after the other until its pictures have the wanted score. What is encoded counts:
// the result is the encode that comes nearest.
func search(ctx context.Context, tools media.Tools, req Request, enc encoder.Encoder) (finding, error) {
	asked := req.Plan.Settings.Quality
	h, done := newHunt(enc.CRF(""), asked, req.Near), newStretches(req)
	ways := ladder(req)
	if err := guess(ctx, tools, req, enc, h, done, ways[0]); err != nil {
		return finding{}, err
	}
	var best finding
	for n := 1; ; n++ {
		crf, more := h.next()
		if !more || n > maxProbes {
			break
		}
		_, options, err := encoder.At(req.Plan.Settings, crf)
		if err != nil {
			return finding{}, err
		}
		this, spare := req, n > 1 && !best.spare
		if spare {
			this.Out = req.Spare
		}
		this.Progress = done.next(wholeEncode)
		got, err := climb(ctx, tools, this, options, ways)
		if err != nil {
			return finding{}, err
		}
		done.next(wholeMeasure)
		ways = []input{got.in} // it gave the planned frames once, and will again
		score, err := measure(ctx, tools, this, options, got)
		if err != nil {
			return finding{}, err
		}
		if n == 1 {
			h.version(enc.CRF(enc.Version(got.Head, got.messages)))
		}
		if tools.Log != nil {
			tools.Log.DebugContext(ctx, "a chunk was probed", "chunk", req.Chunk.Index, "crf", crf, "score", score,
				"wanted", asked.String())
		}
		if h.probed(crf, score) {
			best = finding{got, pipeline.Scored{Asked: asked, Score: score, CRF: crf}, spare}
		}
		best.scored.Probes = n
	}
	best.scored.Limit = h.limited()
	done.end()
	return best, nil
}

// maxParts is how often a part of a chunk is encoded, at most: once to see how it scores, and once to see what a step of
// the CRF does to it.
const maxParts = 2

// guess tells a hunt where to begin by what a part of the chunk scores. That is off by a point of VMAF or two, and the
// work of a whole probe is spared more often than not.
func guess(
	ctx context.Context, tools media.Tools, req Request, enc encoder.Encoder, h *hunt, done *stretches, in input,
) error {
	frames := beginning(req.Chunk.PTS.Len())
	part := *h
	for n := 0; n < maxParts && frames > 0; n++ {
		crf, more := part.next()
		if !more {
			break
		}
		score, err := probePart(ctx, tools, req, enc, &part, done, in, crf)
		switch {
		case err == nil:
			part.probed(crf, score)
			continue
		case !worthAnother(ctx, err):
			return err
		case tools.Log != nil: // the whole has other ways
			tools.Log.DebugContext(ctx, "a part of a chunk could not be probed", "chunk", req.Chunk.Index, "error", err)
		}
		break
	}
	h.follow(&part)
	return nil
}

// probePart encodes the beginning of a chunk and scores it.
func probePart(
	ctx context.Context, tools media.Tools, req Request, enc encoder.Encoder, h *hunt, done *stretches, in input, crf float64,
) (float64, error) {
	_, options, err := encoder.At(req.Plan.Settings, crf)
	if err != nil {
		return 0, err
	}
	frames := beginning(req.Chunk.PTS.Len())
	in.part = fmt.Sprintf("trim=end_frame=%d", frames)
	req.Progress = done.next(partEncode)
	messages, err := run(ctx, tools, req, options, in)
	if err != nil {
		return 0, err
	}
	h.version(enc.CRF(enc.Version(nil, messages)))
	done.next(partMeasure)
	return scoreOf(ctx, tools, req, options, in, frames)
}
