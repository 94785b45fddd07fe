package encode

import (
	"math"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
)

// metricModel is how a metric's scores behave.
type metricModel struct {
	// level brings a score to a scale on which equal steps of the CRF are about equal ones.
	level func(score float64) float64
	// perSpan is by how many levels pictures fall when encoder.CRF.Span is added.
	perSpan float64
	// typical is the score that encoder.CRF.First gives.
	typical float64
	// off is how far a score is from the wanted one: up to 1, either way, is near enough. Nobody sees the last point of
	// VMAF that one more encode would be spent on.
	off func(score, wanted float64) float64
	// blind is the score above which one tells no more than that the pictures are good; 0: none.
	blind float64
}

// metricModels are as measured: docs/media/quality.md. VMAF comes near 100 as SSIM comes near 1, and never gets there.
var metricModels = map[pipeline.Metric]metricModel{
	pipeline.VMAF: {
		level:   func(v float64) float64 { return -10 * math.Log10(max(0.1, 100.5-v)) },
		perSpan: 4.2, typical: 95, blind: 98.5,
		off: func(v, wanted float64) float64 { return (v - wanted) / min(1, (100-wanted)/2) },
	},
	pipeline.SSIM: {
		level: decibels, perSpan: 2.7, typical: 0.978,
		off: func(v, wanted float64) float64 { return (decibels(v) - decibels(wanted)) / 0.2 },
	},
	pipeline.XPSNR: {
		level: func(v float64) float64 { return v }, perSpan: 3.3, typical: 41,
		off: func(v, wanted float64) float64 { return (v - wanted) / 0.3 },
	},
}

// decibels is the usual logarithmic form of SSIM.
func decibels(ssim float64) float64 { return -10 * math.Log10(max(1e-9, 1-ssim)) }

// hunt finds the CRF of a score by a bracketing secant.
type hunt struct {
	metricModel
	crf    encoder.CRF
	target float64 // the wanted score
	want   float64 // its level
	slope  float64 // levels that are expected of a step of 1
	first  float64
	lo, hi *probe // the nearest that are good enough, and not; nil: none yet
	before *probe // the one before the last one on its side
	best   *probe
}

// probe is what a CRF gave.
type probe struct{ crf, level, off float64 }

// newHunt begins at the CRF that gave another chunk the wanted score; 0: where it usually lies.
func newHunt(crf encoder.CRF, asked pipeline.Quality, begin float64) *hunt {
	m := metricModels[asked.Metric]
	h := &hunt{
		metricModel: m, crf: crf, target: asked.Target, want: m.level(asked.Target), slope: -m.perSpan / crf.Span,
	}
	if h.first = begin; begin == 0 {
		h.first = crf.First + h.stride((h.want-h.level(m.typical))/h.slope)
	}
	return h
}

// useStep takes in how fine the steps of the encoder's version are.
func (h *hunt) useStep(crf encoder.CRF) { h.crf.Step = crf.Step }

// follow begins where a hunt for the same score in a part of the pictures has come to, and expects of a step what that
// has seen.
func (h *hunt) follow(part *hunt) {
	h.crf = part.crf
	if part.best == nil {
		return
	}
	a, b := part.lo, part.hi
	switch {
	case a == nil:
		a = part.before
	case b == nil:
		b = part.before
	}
	if a != nil && b != nil && a.crf != b.crf { // a part is short: what it shows counts for half
		h.slope = -math.Sqrt(h.slope * h.plausible((a.level-b.level)/(a.crf-b.crf)))
	}
	h.first = part.best.crf + h.stride((h.want-part.best.level)/h.slope)
}

// plausible bounds a slope that was measured between two scores, which can be too near to each other.
func (h *hunt) plausible(slope float64) float64 {
	usual := -h.perSpan / h.crf.Span
	return min(usual/3, max(3*usual, slope))
}

// stride bounds how far a CRF is moved at once.
func (h *hunt) stride(d float64) float64 {
	return min(1.5*h.crf.Span, max(-1.5*h.crf.Span, d))
}

// probed takes in what a CRF scored, and reports whether that is the nearest so far.
func (h *hunt) probed(crf, score float64) bool {
	p := &probe{crf, h.level(score), h.off(score, h.target)}
	side := &h.hi
	if p.off >= 0 {
		side = &h.lo
	}
	h.before = *side
	*side = p
	if h.best != nil && math.Abs(p.off) >= math.Abs(h.best.off) {
		return false
	}
	h.best = p
	return true
}

// next returns the CRF to try, and false when what was tried is near enough or no other one is nearer.
func (h *hunt) next() (crf float64, more bool) {
	switch {
	case h.best == nil:
		return h.crf.Nearest(h.first), true
	case math.Abs(h.best.off) <= 1:
		return 0, false
	case h.lo != nil && h.hi != nil:
		if h.hi.crf-h.lo.crf < 1.5*h.crf.Step { // or they are the wrong way round
			return 0, false
		}
		crf = h.crf.Nearest(h.lo.crf + (h.lo.level-h.want)/(h.lo.level-h.hi.level)*(h.hi.crf-h.lo.crf))
		return min(max(crf, h.lo.crf+h.crf.Step), h.hi.crf-h.crf.Step), true
	}
	last, direction := h.lo, 1.0
	if last == nil {
		last, direction = h.hi, -1
	}
	slope := h.slope
	if h.before != nil && h.before.crf != last.crf {
		slope = h.plausible((last.level - h.before.level) / (last.crf - h.before.crf))
	}
	crf = h.crf.Nearest(last.crf + h.stride((h.want-last.level)/slope))
	if (crf-last.crf)*direction < h.crf.Step {
		crf = h.crf.Nearest(last.crf + direction*h.crf.Step)
	}
	return crf, crf != last.crf
}

// blinded reports whether the best score is too good to tell where the wanted one lies.
func (h *hunt) blinded() bool {
	return h.best != nil && h.blind > 0 && h.best.level > h.level(max(h.blind, h.target))
}

// limited reports whether the wanted score lies beyond the CRFs that there are.
func (h *hunt) limited() bool {
	return h.best.off < -1 && h.lo == nil && h.hi.crf <= h.crf.Least ||
		h.best.off > 1 && h.hi == nil && h.lo.crf >= h.crf.Most
}
