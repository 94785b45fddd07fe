package encode

import (
	"fmt"
	"strconv"

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

// How far a key frame's thumb may be from its source's. docs/media.md has what was measured.
const (
	fineLimit   = 5.0
	coarseLimit = 16.0
	fineCRF     = 30 // the worst quality that is fine
)

// coarsening are the parameters that reach into the quantizers whatever the CRF.
var coarsening = []string{
	"qp", "bitrate", "vbv-maxrate", "vbv-bufsize", "crf-max", "qpmin", "qpmax", "qpstep", "ipratio", "qcomp", "aq-strength", "nr",
	"deadzone-intra", "deadzone-inter", "cqm", "cqm4", "cqm4i", "cqm4iy", "cqm4p", "cqm4py", "cqm8", "cqm8i", "cqm8p", "avcintra-class",
}

// farthest is the distance that is allowed with these options. Only --crf tells how coarse pictures can get, and
// only if no other option reaches into their quantizers.
func farthest(x264 encoder.X264) float64 {
	crf := 23.0 // x264's default
	if text := x264.Param("crf"); text != "" {
		var err error
		if crf, err = strconv.ParseFloat(text, 64); err != nil {
			return coarseLimit
		}
	}
	if crf > fineCRF || x264.Has(coarsening...) {
		return coarseLimit
	}
	return fineLimit
}
