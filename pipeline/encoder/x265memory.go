package encoder

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// x265Presets are what a preset sets of what takes memory (x265 3.5, x265_param_default_preset).
var x265Presets = map[string]preset{
	"ultrafast": {5, 3, 1}, "superfast": {10, 3, 1}, "veryfast": {15, 4, 2}, "faster": {15, 4, 2}, "fast": {15, 4, 3},
	"medium": {20, 4, 3}, "slow": {25, 4, 4}, "slower": {40, 8, 5}, "veryslow": {40, 8, 5}, "placebo": {60, 8, 5},
}

// What an encode takes, in bytes, as measured: docs/performance.md has the table that these were fitted to.
const (
	hevcBase   = 99 << 20 // programs and libraries
	hevcSearch = 12 << 20 // what the slowest presets keep of each block
	hevcOnce   = 42.0     // a pixel, whatever the options
	hevcRef    = 5.0      // … for each reference frame
	hevcHeld   = 4.15     // … for each frame that is held back, and more with B-frames
	hevcThread = 1.5e6    // a thread of the pool
	hevcDeep   = 1.85     // times: more than 8 bits
	hevcHalf   = 1.25     // times: 4:2:2
	hevcWhole  = 1.6      // times: 4:4:4
)

// Memory implements Options.
func (x x265Asked) Memory(p Pictures) (fixed, thread int64) {
	o := x.buffers()
	held, b := min(o.lookahead+o.bframes+heldMore, p.Frames+o.bframes), float64(o.bframes)
	frame := hevcHeld + (b+2)*(b+2)/200 // costs of each pair of B-frames
	out := p.Out * (hevcOnce + float64(o.refs)*hevcRef + float64(held)*frame)
	times := 1.0
	switch {
	case strings.Contains(p.Format, "444"):
		times = hevcWhole
	case strings.Contains(p.Format, "422"):
		times = hevcHalf
	}
	if strings.HasSuffix(p.Format, "10le") || strings.HasSuffix(p.Format, "12le") {
		times *= hevcDeep
	}
	base := hevcBase
	if slices.Contains([]string{"slower", "veryslow", "placebo"}, x.preset) {
		base += hevcSearch
	}
	return int64(float64(base) + times*(out+p.Source*pixelSource)), int64(hevcThread + times*p.Source*sourceThread)
}

// buffers are the preset's, as tunes and single options change them.
func (x x265Asked) buffers() preset {
	o := x265Presets[cmp.Or(x.preset, usualPreset)]
	switch x.tune {
	case "animation":
		o.bframes += 2
	case "zerolatency":
		o.bframes, o.lookahead = 0, 0
	}
	for key, field := range map[string]*int{"rc-lookahead": &o.lookahead, "bframes": &o.bframes, "ref": &o.refs} {
		if n, err := strconv.Atoi(x.param(key)); err == nil {
			*field = n
		}
	}
	o.bframes, o.refs, o.lookahead = min(max(o.bframes, 0), 16), min(max(o.refs, 1), 16), min(max(o.lookahead, 0), 250)
	return o
}
