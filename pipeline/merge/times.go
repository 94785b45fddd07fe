package merge

import (
	"math"
	"sort"

	"github.com/distenc/distenc/pipeline"
)

// clock compares ticks of two time bases exactly, in units both are multiples of.
type clock struct {
	a, b int64   // units in a tick of the first and of the second
	unit float64 // seconds
}

// newClock is the clock of two time bases. Those that are none, which no demuxer gives, count as equal, and
// compareTimes finds nothing exact by them.
func newClock(a, b pipeline.Rational) clock {
	if !usable(a) || !usable(b) {
		return clock{1, 1, 0}
	}
	x, y, d := a.Num*b.Den, b.Num*a.Den, a.Den*b.Den
	g := gcd(gcd(x, y), d)
	return clock{x / g, y / g, float64(g) / float64(d)}
}

// usable reports whether the products of two such fractions' parts fit into 64 bits; ffmpeg's have 32.
func usable(r pipeline.Rational) bool {
	return r.Valid() && r.Num <= math.MaxInt32 && r.Den <= math.MaxInt32
}

// diff is the second minus the first, in units.
func (c clock) diff(first, second int64) int64 { return second*c.b - first*c.a }

// holds reports whether a difference of such ticks fits into 64 bits.
func (c clock) holds(ticks int64) bool {
	far := math.MaxInt64 / 4 / max(c.a, c.b)
	return ticks >= -far && ticks <= far
}

// ms converts units to milliseconds.
func (c clock) ms(units int64) float64 { return math.Abs(float64(units)) * c.unit * 1000 }

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, 1)
}

// compareTimes compares two ascending lists of equal length. exact allows nothing but the rounding to
// the second's ticks: half a tick, and none at all where its ticks can hold the first's. worst is the
// largest deviation in milliseconds.
func compareTimes(want []int64, wantBase pipeline.Rational, got []int64, gotBase pipeline.Rational,
) (worst float64, exact bool) {
	c := newClock(wantBase, gotBase)
	exact = len(want) == len(got) && usable(wantBase) && usable(gotBase)
	for i := range min(len(want), len(got)) {
		if !c.holds(want[i]) || !c.holds(got[i]) { // a hundred thousand years from zero
			exact = false
			continue
		}
		d := c.diff(want[i], got[i])
		worst = max(worst, c.ms(d))
		exact = exact && 2*max(d, -d) <= c.b && (d == 0 || c.a%c.b != 0)
	}
	return worst, exact
}

// alike is how many timestamps at the beginning of two lists are alike, as compareTimes means it.
func alike(want []int64, wantBase pipeline.Rational, got []int64, gotBase pipeline.Rational) int {
	return sort.Search(min(len(want), len(got)), func(n int) bool {
		_, exact := compareTimes(want[:n+1], wantBase, got[:n+1], gotBase)
		return !exact
	})
}
