package encoder

import (
	"strconv"
	"strings"
)

// What an encode takes, in bytes, as measured with 1.4.1 and 4.2, whichever takes more: docs/performance.md has the
// table that these were fitted to. The library keeps buffers for whole groups of pictures whatever it looks ahead, and
// fewer of them where pictures are large.
const (
	svtBase     = 75 << 20 // programs and libraries
	svtThread   = 8.0      // a pixel for each thread
	svtFewer    = 17.0     // … and more up to svtFew
	svtOverlays = 80.0     // a pixel, with overlays
	svtDeep     = 1.5      // times: more than 8 bits
	svtFew      = 1e6      // pixels up to which there are more buffers
	svtUsual    = 8        // the preset where none is asked for
)

// svtBuffers are, by the slowest preset that has them, the bytes a pixel, and those more a pixel up to svtFew.
var svtBuffers = []struct {
	preset         int
	pixel, further float64
}{{9, 168, 0}, {6, 183, 140}, {3, 358, 60}, {-1, 458, 60}}

// Memory implements Options.
func (x svtAsked) Memory(p Pictures) (fixed, thread int64) {
	preset, err := strconv.Atoi(x.param("preset"))
	if err != nil {
		preset = svtUsual
	}
	i := 0
	for svtBuffers[i].preset > preset {
		i++
	}
	few, times := min(p.Out, svtFew), 1.0
	if strings.HasSuffix(p.Format, "10le") {
		times = svtDeep
	}
	out := p.Out*svtBuffers[i].pixel + few*svtBuffers[i].further
	if x.param("enable-overlays") == "1" {
		out += p.Out * svtOverlays
	}
	fixed = int64(svtBase + times*(out+p.Source*pixelSource))
	return fixed, int64(times * (svtThread*p.Out + svtFewer*few + p.Source*sourceThread))
}
