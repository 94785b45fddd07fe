package encode

import (
	"fmt"

	"github.com/distenc/distenc/pipeline/encoder"
)

// The size of a thumbnail. Each of its points is the mean of many, so that coding noise cancels out; what
// shape the picture has, and whether it was scaled, does not matter.
const thumbWidth, thumbHeight = 32, 18

// thumb is a picture's luma, one byte a point.
type thumb []byte

// toThumb are the last filters of a picture that is to be a thumb.
var toThumb = fmt.Sprintf("scale=w=%d:h=%d:flags=area,format=gray", thumbWidth, thumbHeight)

// distance is the mean difference of two thumbs, in levels of 255.
func (a thumb) distance(b thumb) float64 {
	sum := 0
	for i := range a {
		d := int(a[i]) - int(b[i])
		sum += max(d, -d)
	}
	return float64(sum) / float64(len(a))
}

// How far a key frame's thumb may be from its source's. docs/media/encoding.md has what was measured.
const (
	fineLimit   = 5.0
	coarseLimit = 16.0
)

// farthest is the distance that is allowed with these options.
func farthest(options encoder.Options) float64 {
	if options.Coarse() {
		return coarseLimit
	}
	return fineLimit
}
