package encode

import (
	"context"
	"fmt"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

const (
	// maxProbes is how often a chunk is encoded as a whole, at most.
	maxProbes = 4
	// maxParts is how often a part of it is, before: once to see how that scores, and once to see what a step of the CRF
	// does to it.
	maxParts = 2
)

// finding is a chunk's result, and how it scored where that was asked for.
type finding struct {
	result
	scored pipeline.Scored
	spare  bool // it is in Request.Spare
}

// searcher looks for the CRF of one chunk.
type searcher struct {
	Request
	tools media.Tools
	enc   encoder.Encoder
	done  *stretches
}

// search encodes a chunk with one CRF after the other until its pictures have the wanted score. What is encoded counts:
// the result is the encode that comes nearest.
func search(ctx context.Context, tools media.Tools, req Request, enc encoder.Encoder) (best finding, err error) {
	s := searcher{req, tools, enc, newStretches(req)}
	asked := req.Plan.Settings.Quality
	ways := ladder(req)
	h := newHunt(enc.CRF(""), asked, req.Near)
	if err := s.guess(ctx, h, ways[0]); err != nil {
		return best, err
	}
	for n := 1; n <= maxProbes; n++ {
		crf, more := h.next()
		if !more {
			break
		}
		spare := n > 1 && !best.spare
		got, score, err := s.probe(ctx, crf, spare, ways)
		if err != nil {
			return best, err
		}
		ways = []input{got.in} // it gave the planned frames once, and will again
		if n == 1 {
			h.useStep(enc.CRF(enc.Version(got.Head, got.messages)))
		}
		s.debug(ctx, "a chunk was probed", "crf", crf, "score", score, "wanted", asked.String())
		if h.probed(crf, score) {
			best = finding{got, pipeline.Scored{Asked: asked, Score: score, CRF: crf}, spare}
		}
		best.scored.Probes = n
	}
	best.scored.Limit = h.limited()
	s.done.end()
	return best, nil
}

// probe encodes the chunk and scores it.
func (s searcher) probe(
	ctx context.Context, crf float64, spare bool, ways []input,
) (got result, score float64, err error) {
	_, options, err := encoder.At(s.Plan.Settings, crf)
	if err != nil {
		return got, 0, err
	}
	req := s.Request
	if spare {
		req.Out = s.Spare
	}
	req.Progress = s.done.next(wholeEncode)
	if got, err = climb(ctx, s.tools, req, options, ways); err != nil {
		return got, 0, err
	}
	s.done.next(wholeMeasure)
	score, err = measure(ctx, s.tools, req, options, got)
	return got, score, err
}

// guess tells a hunt where to begin by what a part of the chunk scores. That is off by a point of VMAF or two, and the
// work of a whole probe is spared more often than not.
func (s searcher) guess(ctx context.Context, h *hunt, in input) error {
	frames := beginning(s.Chunk.PTS.Len())
	part := *h
	for n := 0; n < maxParts && frames > 0; n++ {
		crf, more := part.next()
		if !more {
			break
		}
		score, err := s.probePart(ctx, &part, in, crf, frames)
		if err != nil && !worthAnother(ctx, err) {
			return err
		}
		if err != nil { // the whole has other ways
			s.debug(ctx, "a part of a chunk could not be probed", "error", err)
			break
		}
		s.debug(ctx, "a part of a chunk was probed", "crf", crf, "score", score)
		if part.probed(crf, score); part.blinded() {
			break
		}
	}
	h.follow(&part)
	return nil
}

// probePart encodes the beginning of the chunk and scores it.
func (s searcher) probePart(ctx context.Context, h *hunt, in input, crf float64, frames int) (float64, error) {
	_, options, err := encoder.At(s.Plan.Settings, crf)
	if err != nil {
		return 0, err
	}
	in.part = fmt.Sprintf("trim=end_frame=%d", frames)
	req := s.Request
	req.Progress = s.done.next(partEncode)
	messages, err := run(ctx, s.tools, req, options, in)
	if err != nil {
		return 0, err
	}
	h.useStep(s.enc.CRF(s.enc.Version(nil, messages)))
	s.done.next(partMeasure)
	return scoreOf(ctx, s.tools, req, options, in, frames)
}

func (s searcher) debug(ctx context.Context, said string, args ...any) {
	if s.tools.Log != nil {
		s.tools.Log.DebugContext(ctx, said, append([]any{"chunk", s.Chunk.Index}, args...)...)
	}
}
