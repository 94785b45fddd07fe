package pipeline

// Buffer is a decoder's buffer as a user has bounded it (VBV of x264 and x265; the leaky bucket of ITU-T H.264, Annex
// C): bits come in at Rate while there is room, and each picture takes its own out at once when it is decoded. The zero
// value bounds nothing.
type Buffer struct {
	Rate  float64 `json:"rate"`  // bits a second, at most
	Size  float64 `json:"size"`  // bits
	Start float64 `json:"start"` // part of Size that is filled when the film's first picture is decoded
	Seam  float64 `json:"seam"`  // the same for what chunks after the first count on
}

// Bounds reports whether there is a buffer at all.
func (b Buffer) Bounds() bool { return b.Rate > 0 && b.Size > 0 }

// Flow is what the pictures of one chunk do to a Buffer, whatever is in it when they begin, in bits. Two flows that
// follow one another need no picture to be looked at again.
type Flow struct {
	Need float64 `json:"need"` // must be in the buffer, so that no picture comes too late
	Gain float64 `json:"gain"` // what it ends with, less what it begins with, while it never is full
	Low  float64 `json:"low"`  // the least that is left in it, if it begins full; below zero: no start is enough
	End  float64 `json:"end"`  // what it ends with, if it begins full
}

// Flow is that of pictures in the order of decoding: their sizes in bits, and for how many seconds each is shown, which
// is the time until the next one is decoded (H.264, C.1.2; x264's calculate_durations).
func (b Buffer) Flow(sizes, seconds []float64) Flow {
	f := Flow{Low: b.Size, End: b.Size}
	for i, bits := range sizes {
		f.Gain, f.End = f.Gain-bits, f.End-bits
		f.Need, f.Low = max(f.Need, -f.Gain), min(f.Low, f.End)
		in := b.Rate * seconds[i]
		f.Gain, f.End = f.Gain+in, min(f.End+in, b.Size)
	}
	return f
}

// Through is what is left in the buffer at the lowest, and at the end, if it has start bits at the start.
// Below zero, pictures come too late.
func (f Flow) Through(start float64) (lowest, end float64) {
	return min(start-f.Need, f.Low), min(start+f.Gain, f.End)
}

// Joined follows the buffer through chunks in their order and returns the least that is left in each of them, in bits.
// A decoder that ran out of bits goes on with an empty buffer.
func (b Buffer) Joined(flows []Flow) (lowest []float64) {
	fill := b.Start * b.Size
	for _, f := range flows {
		low, end := f.Through(fill)
		lowest, fill = append(lowest, low), max(0, end)
	}
	return lowest
}

// Allowance is what of a Buffer a chunk may count on. The zero value allows what the plan says.
type Allowance struct {
	Start float64 `json:"start"` // part of the buffer that is filled at its first picture
	Part  float64 `json:"part"`  // of rate and size
}

// valid reports whether it can be meant. Behind a chunk that takes all that there is, a buffer is empty at the start.
func (a Allowance) valid() bool {
	return a.Start >= 0 && a.Start <= 1 && a.Part > 0 && a.Part <= 1
}

// Whole is what keeps as much of the buffer back at the start, and nothing of rate and size.
func (a Allowance) Whole() Allowance { return Allowance{Start: a.Start - (1 - a.Part), Part: 1} }

// Of is the buffer that an encoder is told of, with the part of it that is filled at the start: what is kept back of
// its size is kept back of what fills it.
func (a Allowance) Of(b Buffer, later bool) (rate, size, start float64) {
	if a == (Allowance{}) {
		a = b.Allowed(later)
	}
	a.Part = min(max(a.Part, leastPart), 1) // it may be read from the share
	filled := (a.Start - (1 - a.Part)) / a.Part
	return b.Rate * a.Part, b.Size * a.Part, min(max(filled, leastStart), 1)
}

// Allowed is what a chunk counts on before anybody knows better. later: it is not the film's first.
func (b Buffer) Allowed(later bool) Allowance {
	if later {
		return Allowance{Start: b.Seam, Part: 1}
	}
	return Allowance{Start: b.Start, Part: 1}
}

// What an encoder is told at least: with less in its buffer, no key picture can stand.
const leastStart, leastPart = 0.05, 0.1
