package pipeline

import (
	"cmp"
	"math"
	"slices"
)

// Point is how many bytes a chunk's packets take with a CRF.
type Point struct {
	CRF   float64 `json:"crf"`
	Bytes int64   `json:"bytes"`
}

// Curve is what was measured of one chunk, by rising CRF. Between its points, and beyond them, the bytes are taken to
// change by the same factor with each step of the CRF.
type Curve []Point

// CRFs are the values that an encoder's CRF may have. A lower one is better and larger.
type CRFs struct {
	Least, Most float64
	Step        float64 // between two values
	Span        float64 // that halves the bytes, about
}

// check refuses what no encoder has.
func (r CRFs) check() bool {
	const most = 100
	return r.Least >= 0 && r.Most > r.Least && r.Most <= most && r.Step >= 0.01 && r.Step < most && r.Span >= 0.1 &&
		r.Span <= most
}

// Has reports whether a CRF is one that can be.
func (r CRFs) Has(crf float64) bool { return crf >= r.Least && crf <= r.Most }

// Nearest is the allowed value that is nearest to a CRF.
func (r CRFs) Nearest(crf float64) float64 {
	return min(max(r.Least+math.Round((crf-r.Least)/r.Step)*r.Step, r.Least), r.Most)
}

// NewCurve sorts points, and leaves out what can't be: nothing, and more bytes with a higher CRF.
func NewCurve(points ...Point) Curve {
	points = slices.DeleteFunc(slices.Clone(points), func(p Point) bool { return p.Bytes <= 0 })
	slices.SortFunc(points, func(a, b Point) int {
		return cmp.Or(cmp.Compare(a.CRF, b.CRF), cmp.Compare(b.Bytes, a.Bytes))
	})
	var c Curve
	for _, p := range points {
		if len(c) == 0 || p.CRF > c[len(c)-1].CRF && p.Bytes < c[len(c)-1].Bytes {
			c = append(c, p)
		}
	}
	return c
}

// check refuses what NewCurve can't have made of what was measured.
func (c Curve) check(r CRFs) bool {
	for i, p := range c {
		if !r.Has(p.CRF) || p.Bytes <= 0 || p.Bytes > maxTold || i > 0 && (p.CRF <= c[i-1].CRF || p.Bytes >= c[i-1].Bytes) {
			return false
		}
	}
	return len(c) > 0
}

// How much steeper or flatter than usual a curve may be where it goes on beyond what was measured: noise has cliffs,
// and none goes on for long.
const steepest, flattest = 3.0, 0.4

// Bytes is what the chunk takes with a CRF; 0 if nothing is known of it.
func (c Curve) Bytes(crf, span float64) float64 {
	if len(c) == 0 {
		return 0
	}
	i, beyond := slices.IndexFunc(c, func(p Point) bool { return p.CRF >= crf }), false
	switch {
	case i == 0:
		i, beyond = 1, true
	case i < 0:
		i, beyond = len(c)-1, true
	}
	usual := math.Ln2 / span
	if len(c) == 1 {
		return float64(c[0].Bytes) * math.Exp(usual*(c[0].CRF-crf))
	}
	a, b := c[i-1], c[i]
	slope := math.Log(float64(a.Bytes)/float64(b.Bytes)) / (b.CRF - a.CRF)
	if beyond {
		slope = min(max(slope, flattest*usual), steepest*usual)
	}
	if crf > b.CRF {
		a = b
	}
	return float64(a.Bytes) * math.Exp(slope*(a.CRF-crf))
}

// Next is the CRF at which a chunk is to be measured next to find the one that gives it these bytes: between two that
// were measured, or beyond them, and far enough from each to tell the slope. known is false if there is none.
func (c Curve) Next(bytes float64, r CRFs) (crf float64, known bool) {
	const apart, leap = 2.0, 16.0
	least, most := c[0].CRF-leap, c[len(c)-1].CRF+leap
	at := func(p Point) float64 { return p.CRF + r.Span*math.Log2(float64(p.Bytes)/max(1, bytes)) }
	i := slices.IndexFunc(c, func(p Point) bool { return float64(p.Bytes) <= bytes })
	switch {
	case i == 0:
		crf = min(max(at(c[0]), least), c[0].CRF-apart)
	case i < 0:
		crf = max(min(at(c[len(c)-1]), most), c[len(c)-1].CRF+apart)
	default:
		a, b := c[i-1], c[i]
		part := math.Log(float64(a.Bytes)/bytes) / math.Log(float64(a.Bytes)/float64(b.Bytes))
		crf = a.CRF + min(max(part, 0.2), 0.8)*(b.CRF-a.CRF)
	}
	crf = r.Nearest(crf)
	return crf, !slices.ContainsFunc(c, func(p Point) bool { return math.Abs(p.CRF-crf) < 2*r.Step })
}
