package sample

import (
	"cmp"
	"math"
	"slices"
)

// cell is a part of the film that is encoded by itself: the frames from one number to another, which is not in it.
type cell struct {
	from, to int
	source   float64 // bytes that the source has for them
	work     float64 // that encoding them is expected to take, in mean frames
}

func (c cell) frames() int { return c.to - c.from }

// mostStrata is how many there are where there are cells for all. Each wants two cells at least, of each settings; more
// would leave little time for each.
const mostStrata = 4

// stratify sorts cells into strata by the bytes that the source has for a frame. Each has about an equal part of the
// work, and its cells in the film's order.
func stratify(cells []cell) [][]cell {
	sorted := slices.Clone(cells)
	slices.SortStableFunc(sorted, func(a, b cell) int { return cmp.Compare(a.density(), b.density()) })
	upTo := make([]float64, len(sorted)+1) // the work of all cells in front of each
	for i, c := range sorted {
		upTo[i+1] = upTo[i] + c.work
	}
	total := upTo[len(sorted)]
	var out [][]cell
	for i, from := 1, 0; i <= mostStrata; i++ {
		to := len(sorted)
		if i < mostStrata {
			to = max(from, border(sorted, upTo, total*float64(i)/mostStrata, total/mostStrata/2))
		}
		if stratum := sorted[from:to]; len(stratum) > 0 {
			slices.SortFunc(stratum, func(a, b cell) int { return cmp.Compare(a.from, b.from) })
			out = append(out, stratum)
		}
		from = to
	}
	return out
}

func (c cell) density() float64 { return c.source / float64(c.frames()) }

// border is where a stratum ends: where the work comes to so much, or at a leap of the density that is not farther away
// than near. What is so unlike is not to stand in one stratum.
func border(sorted []cell, upTo []float64, at, near float64) int {
	const leap = 1.5
	best, highest := 0, leap
	for i := 1; i < len(sorted); i++ {
		if math.Abs(upTo[i]-at) > near {
			continue
		}
		if step := sorted[i].density() / max(1, sorted[i-1].density()); step > highest {
			best, highest = i, step
		}
	}
	if best > 0 {
		return best
	}
	best, _ = slices.BinarySearch(upTo, at)
	return min(best, len(sorted))
}

// order gives numbers below n so that the first few of them, however many, lie evenly among all: multiples of the
// golden section, modulo 1 (Knuth, The Art of Computer Programming, volume 3, 6.4). begin is where the first one lies,
// as a part of n.
func order(n int, begin float64) []int {
	out, seen := make([]int, 0, n), make([]bool, n)
	for k := 0; len(out) < n; k++ {
		_, at := math.Modf(begin + float64(k)*math.Phi)
		i := int(at * float64(n))
		for seen[i] { // the next one that is free
			i = (i + 1) % n
		}
		seen[i] = true
		out = append(out, i)
	}
	return out
}

// draw puts each stratum into the order in which its cells are taken. Strata begin at different places.
func draw(strata [][]cell) {
	for i, s := range strata {
		drawn := make([]cell, 0, len(s))
		for _, n := range order(len(s), (float64(i)+0.5)/float64(len(strata))) {
			drawn = append(drawn, s[n])
		}
		copy(s, drawn)
	}
}
