package encoder

import (
	"slices"
	"strconv"
	"strings"
)

// preset is what a preset of an encoder sets of what takes memory.
type preset struct{ lookahead, bframes, refs int }

// x264Presets are those of x264 --fullhelp.
var x264Presets = map[string]preset{
	"ultrafast": {0, 0, 1}, "superfast": {0, 3, 1}, "veryfast": {10, 3, 1}, "faster": {20, 3, 2}, "fast": {30, 3, 2},
	"medium": {40, 3, 3}, "slow": {50, 3, 5}, "slower": {60, 3, 8}, "veryslow": {60, 8, 16}, "placebo": {60, 16, 16},
}

// What an encode takes, in bytes, as measured: docs/performance.md has the table that these were fitted to.
const (
	encodeBase    = 77 << 20 // programs and libraries
	pixelOnce     = 4.5      // a pixel, whatever the options
	pixelThread   = 12.0     // … for each thread of the encoder
	pixelRef      = 5.3      // … for each reference frame, with its planes between the pixels
	pixelPlanes   = 3.0      // of those, where the search never looks between the pixels
	pixelHeld     = 3.0      // … for each frame that is held back, and more with B-frames
	pixelSearch   = 2.3      // … for each reference frame and thread, with an exhaustive motion search
	pixelSource   = 12.0     // a pixel of the source: what its decoder keeps
	sourceThread  = 4.5      // … for each of its threads
	deepPixel     = 1.8      // times: more than 8 bits
	halfPixels    = 1.35     // times: 4:2:2
	wholePixels   = 1.7      // times: 4:4:4
	heldMore      = 2        // frames held back besides the lookahead and the B-frames
	usualPreset   = "medium"
	searchPresets = "placebo"
	plainPreset   = "ultrafast"
)

// Memory implements Options.
func (x x264Asked) Memory(p Pictures) (fixed, thread int64) {
	o := x.buffers()
	held := min(o.lookahead+o.bframes+heldMore, p.Frames+o.bframes)
	b := float64(o.bframes)
	frame := pixelHeld + (b+2)*(b+2)/90 + (b+1)/16 // costs of each pair of B-frames, and vectors
	perOut, perThread := pixelOnce+float64(o.refs)*pixelRef+float64(held)*frame, pixelThread
	if x.preset == plainPreset && !x.has("subme") { // nothing lies between the pixels
		perOut, perThread = perOut-float64(o.refs)*pixelPlanes, perThread-2*pixelPlanes
	}
	if x.searchesAll() {
		perOut += float64(o.refs) * pixelSearch
		perThread += pixelSearch
	}
	times := formatFactor(p.Format)
	fixed = int64(encodeBase + times*(p.Out*perOut+p.Source*pixelSource))
	return fixed, int64(times * (p.Out*perThread + p.Source*sourceThread))
}

// DecoderMemory estimates what a decoder takes for pictures of this number of pixels, as Options.Memory does.
func DecoderMemory(pixels float64, format string) (fixed, thread int64) {
	times := formatFactor(format)
	return int64(encodeBase + times*pixels*pixelSource), int64(times * pixels * sourceThread)
}

// buffers are the preset's, as tunes and single options change them.
func (x x264Asked) buffers() preset {
	o, known := x264Presets[x.preset]
	if !known {
		o = x264Presets[usualPreset]
	}
	tunes := strings.Split(x.tune, ",")
	if slices.Contains(tunes, "animation") {
		o.bframes += 2
		if o.refs > 1 {
			o.refs *= 2
		}
	}
	if slices.Contains(tunes, "zerolatency") {
		o.bframes, o.lookahead = 0, 0
	}
	for key, field := range map[string]*int{"rc-lookahead": &o.lookahead, "bframes": &o.bframes, "ref": &o.refs} {
		if n, err := strconv.Atoi(x.param(key)); err == nil {
			*field = n
		}
	}
	if x.has("no-mbtree", "qp") && !x.has("vbv-maxrate", "vbv-bufsize") {
		o.lookahead = 0 // nothing looks ahead then (measured)
	}
	o.bframes, o.refs, o.lookahead = min(max(o.bframes, 0), 16), min(max(o.refs, 1), 16), min(max(o.lookahead, 0), 250)
	return o
}

func (x x264Asked) searchesAll() bool {
	me := x.param("me")
	return me == "esa" || me == "tesa" || me == "" && x.preset == searchPresets
}

func formatFactor(format string) float64 {
	times := 1.0
	switch {
	case strings.Contains(format, "444"):
		times = wholePixels
	case strings.Contains(format, "422"):
		times = halfPixels
	}
	if strings.HasSuffix(format, "10le") {
		times *= deepPixel
	}
	return times
}
