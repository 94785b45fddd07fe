package pipeline

import (
	"fmt"
	"math"
	"math/bits"
)

// Percent is a part of the bytes of a source, in percent. The zero value is none: no bound.
type Percent int

func (p Percent) String() string {
	if p == 0 {
		return "none"
	}
	return fmt.Sprintf("%d%%", int(p))
}

// MarshalText implements encoding.TextMarshaler.
func (p Percent) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes "none" and "1%" to "100%".
func (p *Percent) UnmarshalText(text []byte) error {
	var n int
	_, err := fmt.Sscanf(string(text), "%d%%", &n)
	if read := Percent(n); read.String() != string(text) || err == nil && (n < 1 || n > 100) {
		return fmt.Errorf(`must be "none", or a part of the source's bytes from "1%%" to "100%%" such as "95%%", is %q`, text)
	}
	*p = Percent(n)
	return nil
}

// Of is that part of size bytes; 0 where there is no bound.
func (p Percent) Of(size int64) int64 { return int64(float64(size) * float64(p) / 100) }

// Spread orders n chunks so that every beginning of the list covers the whole film: by the van der Corput sequence, a
// half, a quarter, three quarters and so on.
func Spread(n int) []int {
	if n <= 0 {
		return nil
	}
	order, seen := make([]int, 0, n), make([]bool, n)
	for i := uint32(1); len(order) < n; i++ {
		at := int(uint64(bits.Reverse32(i)) * uint64(n) >> 32)
		if !seen[at] {
			seen[at] = true
			order = append(order, at)
		}
	}
	return order
}

// Scouts are the chunks that are encoded first so that the film's size is soon known, in their order; none where that
// has no bound. Behind a quarter of the film those that take longest come first again.
func (p *Plan) Scouts() []int {
	if p.Settings.MaxSize == 0 || p.Analysis != "" {
		return nil
	}
	const least = 24
	n := len(p.Chunks)
	return Spread(n)[:min(n, max(least, n/4))]
}

// Early tells how urgent chunks are because they are scouts: above zero, the first one most.
func (p *Plan) Early() map[int]int {
	scouts := p.Scouts()
	early := make(map[int]int, len(scouts))
	for i, chunk := range scouts {
		early[chunk] = len(scouts) - i
	}
	return early
}

// Limit is how many bytes the output may have; 0: as many as it takes.
func (p *Plan) Limit() int64 { return p.Settings.MaxSize.Of(p.SourceSize) }

// LeastSize is how many bytes an output with a size of its own is to have at least; 0 for all others.
func (p *Plan) LeastSize() int64 {
	if !p.Budget.Known() {
		return 0
	}
	least := int64(float64(p.Budget.Limit) * (1 - accuracy))
	if p.Settings.Size.OfVideo() {
		least += p.Sound
	}
	return least
}

// Outgrows reports whether the output surely has more bytes than it may, by the encoded bytes of the chunks that are
// done, and how many it has at least. done has the bytes of a chunk's video, 0 while it is not done.
//
// Two bounds are taken. One is what is there: nothing makes the output smaller than the video that is done and the
// sound that is copied. The other one is an estimate from the scouts, see estimate.
func (p *Plan) Outgrows(done []int64) (outgrows bool, least int64) {
	limit := p.Limit()
	if limit == 0 {
		return false, 0
	}
	for _, bytes := range done {
		least = min(least+bytes, maxTold)
	}
	least = max(least, p.estimate(done)) + p.Sound
	return least > limit, least
}

// leastScouts is the fewest chunks that an estimate is made from.
const leastScouts = 8

// estimate is how many bytes the video has at least, by as many of the first scouts as are all done: which of
// the others are done early depends on their size, and would deceive. 0 while there are too few of them.
//
// The video that is to come is to its source as the scouts' is, give or take (a ratio estimate). Chunks differ in that
// by a part of their size, so that a large one to come counts for more; the bound lies so many standard errors of the
// prediction below it that it is too high once in a hundred thousand times (Royall, Biometrika 57, 1970, with a
// variance that grows with the square of the size; Student's t).
func (p *Plan) estimate(done []int64) int64 {
	var seen, all moments
	var ratios []float64
	encoded := 0.0
	for _, i := range p.Scouts() {
		size := float64(p.Chunks[i].Bytes)
		if done[i] <= 0 || size <= 0 {
			break
		}
		seen.add(size)
		encoded += float64(done[i])
		ratios = append(ratios, float64(done[i])/size)
	}
	n := len(ratios)
	if n < leastScouts {
		return 0
	}
	for i := range p.Chunks {
		all.add(float64(p.Chunks[i].Bytes))
	}
	ratio, variance := encoded/seen.sum, 0.0
	for _, r := range ratios {
		variance += (r - ratio) * (r - ratio) / float64(n-1)
	}
	rest := moments{all.sum - seen.sum, all.squares - seen.squares}
	part := rest.sum / seen.sum
	deviation := math.Sqrt(variance * max(0, rest.squares+part*part*seen.squares))
	const once = 4.265 // in a hundred thousand times, to one side
	return int64(encoded + ratio*rest.sum - Student(once, n-1)*deviation)
}

// moments are the sums of sizes and of their squares.
type moments struct{ sum, squares float64 }

func (m *moments) add(size float64) { m.sum, m.squares = m.sum+size, m.squares+size*size }
