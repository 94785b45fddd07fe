package sample

import (
	"math"

	"github.com/distenc/distenc/pipeline"
)

// Estimate is a quantity with the interval in which it lies nine times of ten. All three are equal where it was
// counted.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// exactly is a quantity that was counted.
func exactly(v float64) Estimate { return Estimate{Value: v, Low: v, High: v} }

// Plus adds what is known exactly.
func (e Estimate) Plus(v float64) Estimate { return Estimate{e.Value + v, e.Low + v, e.High + v} }

// Times is for a quantity in another unit.
func (e Estimate) Times(v float64) Estimate { return Estimate{e.Value * v, e.Low * v, e.High * v} }

// drawn is one cell that was encoded: what it has of the quantity that is known of all cells, and of the one that is
// wanted.
type drawn struct{ known, wanted float64 }

// stratum is how many cells one has, what they have together of the known quantity, and those drawn.
type stratum struct {
	cells int
	known float64
	drawn []drawn
}

// bias is what is wrong with every cell alike, as a part of the quantity: an encoder that is given a few seconds does
// not look ahead as far as in a chunk. docs/performance.md has what was seen.
const bias = 0.05

// estimate is the separate ratio estimate of the wanted quantity over all cells.
func estimate(strata []stratum) Estimate {
	var value, variance float64
	freedom := 0
	for _, s := range strata {
		ratio, spread := s.ratio()
		value += s.known * ratio
		if n := len(s.drawn); n < s.cells {
			variance += s.known * s.known * spread / float64(max(1, n)) * (1 - float64(n)/float64(s.cells))
			freedom += max(0, n-1)
		}
	}
	const nine = 1.6449 // times of ten, to both sides
	half := math.Hypot(pipeline.Student(nine, freedom)*math.Sqrt(variance), bias*value)
	return Estimate{value, max(0, value-half), value + half}
}

// ratio is what comes of a unit of the known quantity, and the variance of that from one cell to another.
func (s stratum) ratio() (ratio, spread float64) {
	var sum drawn
	for _, d := range s.drawn {
		sum.known, sum.wanted = sum.known+d.known, sum.wanted+d.wanted
	}
	n := float64(len(s.drawn))
	if n == 0 || sum.known <= 0 {
		return 0, 0
	}
	ratio = sum.wanted / sum.known
	for _, d := range s.drawn {
		residual := (d.wanted - ratio*d.known) / (sum.known / n)
		spread += residual * residual / max(1, n-1)
	}
	return ratio, spread
}
