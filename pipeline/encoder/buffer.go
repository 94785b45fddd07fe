package encoder

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/distenc/distenc/pipeline"
)

// The parameters by which x264 and x265 are told of a decoder's buffer, in kbit/s and kbit (1000 bits).
const (
	vbvRate = "vbv-maxrate"
	vbvSize = "vbv-bufsize"
	vbvInit = "vbv-init"
)

const (
	vbvStart = 0.9 // vbv-init's default in both encoders
	// vbvSeam is what chunks after the first count on. Each would count on an almost full buffer otherwise, and find less
	// where the one before has left less. docs/media/encoding.md has what was measured.
	vbvSeam = 0.5
	kilobit = 1000
)

// Buffer implements Options for x264 and x265, which understand a user alike: there is no buffer without its size, nor
// with constant quantizers; without a rate it is that of --bitrate.
func (a asked) Buffer() (b pipeline.Buffer) {
	rate, size := a.kilobits(vbvRate), a.kilobits(vbvSize)
	if rate == 0 {
		rate = a.kilobits("bitrate")
	}
	if rate == 0 || size == 0 || a.constantQuantizer() {
		return b
	}
	b = pipeline.Buffer{Rate: rate, Size: size, Start: vbvStart, Seam: vbvSeam}
	if start, err := strconv.ParseFloat(a.param(vbvInit), 64); err == nil {
		if start > 1 { // in kbit then
			start *= kilobit / size
		}
		b.Start = min(max(start, 0), 1)
		b.Seam = b.Start
	}
	return b
}

// kilobits is a parameter's value in bits, 0 where it says nothing.
func (a asked) kilobits(key string) float64 {
	n, _ := strconv.ParseFloat(a.param(key), 64) // its form was checked
	return max(0, n*kilobit)
}

// constantQuantizer reports whether it is neither a quality nor a bitrate that is asked for: the last word counts.
func (a asked) constantQuantizer() bool {
	for _, p := range slices.Backward(a.params) {
		switch p.key {
		case "qp", "lossless":
			return true
		case "crf", "bitrate":
			return false
		}
	}
	return false
}

// bufferNotes tells of a bound that the encoders pass over.
func (a asked) bufferNotes() (notes []string) {
	rate, size := a.has(vbvRate), a.has(vbvSize)
	switch {
	case a.Buffer().Bounds() || !rate && !size:
	case a.constantQuantizer():
		notes = append(notes, "--vbv-maxrate and --vbv-bufsize do nothing with a constant quantizer")
	case !size:
		notes = append(notes, "--vbv-maxrate does nothing without --vbv-bufsize")
	default:
		notes = append(notes, "--vbv-bufsize does nothing without --vbv-maxrate")
	}
	return notes
}

// slowest is the frame rate below which a buffer is taken for large enough: each picture of a slideshow is shown for
// seconds, and no player's buffer is made for what comes in meanwhile.
const slowest = 10

// smallBuffer says what is wrong with a buffer that does not hold what comes in during one picture: both encoders would
// take a larger one.
func (a asked) smallBuffer(source pipeline.Video) string {
	b := a.Buffer()
	if !b.Bounds() || !source.FrameRate.Valid() {
		return ""
	}
	least := b.Rate / max(float64(source.FrameRate.Num)/float64(source.FrameRate.Den), slowest)
	if b.Size >= least {
		return ""
	}
	return fmt.Sprintf("A buffer of %.0f kbit does not hold what comes in during one picture, which is %.0f kbit: set "+
		"--%s to that at least, or --%s lower.", b.Size/kilobit, math.Ceil(least/kilobit), vbvSize, vbvRate)
}

// within is what was asked with the part of the buffer that a chunk may count on.
func (a asked) within(s Stream) asked {
	b := s.Buffer
	if !b.Bounds() || s.Allowance == (pipeline.Allowance{}) && (!s.Later || a.has(vbvInit)) {
		return a
	}
	rate, size, start := s.Allowance.Of(b, s.Later)
	own := []param{
		{vbvRate, strconv.Itoa(max(1, int(rate/kilobit)))}, {vbvSize, strconv.Itoa(max(1, int(size/kilobit)))},
		{vbvInit, fmt.Sprintf("%.3f", min(start, 0.999))}, // 1 and more would be kbit
	}
	a.params = slices.DeleteFunc(slices.Clone(a.params), func(p param) bool {
		return slices.ContainsFunc(own, func(o param) bool { return o.key == p.key })
	})
	a.params = append(a.params, own...)
	return a
}
