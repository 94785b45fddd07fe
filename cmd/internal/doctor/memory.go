package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
)

// pictureSizes are the sizes that most films have, in pixels.
var pictureSizes = []struct {
	name   string
	pixels int
}{{"1080p", 1920 * 1080}, {"4K", 3840 * 2160}}

// framesPerSecond is a usual rate: it tells how many frames a chunk has.
const framesPerSecond = 25

// checkMemory compares what encodes take with what memory there is: for the options of each profile, and for each
// encoder that no profile names with its own defaults.
func checkMemory(o MachineOptions, present []encoder.Encoder, tell Tell) {
	if o.Memory == 0 {
		return
	}
	all := o.Profiles
	for _, e := range present {
		if !slices.ContainsFunc(all, func(p Profile) bool { return p.Settings.Encoder == e.Name() }) {
			all = append(slices.Clip(all), Profile{Settings: pipeline.Settings{Encoder: e.Name()}})
		}
	}
	for _, p := range all {
		e, options, err := encoder.Of(p.Settings)
		if err != nil || !slices.Contains(present, e) {
			continue // the profile's own check has told it
		}
		var words []string
		few := false
		for _, size := range pictureSizes {
			need := encodeMemory(e, options, p.Settings, size.pixels, o.Threads)
			fit := int(min(o.Memory/need, int64(o.Slots)))
			few = few || fit < o.Slots && size.pixels == pictureSizes[0].pixels
			words = append(words, fmt.Sprintf("%s %s, room for %d of %d", size.name, pipeline.Gigabytes(need), fit, o.Slots))
		}
		who := e.Name()
		if p.Name != "" {
			who += " in profile " + p.Name
		}
		seen := fmt.Sprintf("an encode by %s takes about: %s (there are %s)", who, strings.Join(words, "; "),
			pipeline.Gigabytes(o.Memory))
		if few {
			tell(advice("memory", "%s", seen).because("a chunk that does not fit is not claimed, so slots stay empty",
				"set a smaller `slots` in [worker]; "+pipeline.LessMemory))
			continue
		}
		tell(ok("memory", "%s", seen))
	}
}

// encodeMemory estimates what the encode of a chunk takes, in bytes. Pictures have so many pixels.
func encodeMemory(e encoder.Encoder, options encoder.Options, set pipeline.Settings, pixels, threads int) int64 {
	out := pixels
	if set.Scale != (pipeline.Scale{}) {
		out = min(out, set.Scale.Width*set.Scale.Height)
	}
	seconds := cmp.Or(set.Chunk, e.Chunk().Seconds())
	fixed, thread := options.Memory(encoder.Pictures{
		Source: float64(pixels), Out: float64(out), Format: options.PixFmt("yuv420p"), Frames: int(seconds * framesPerSecond),
	})
	return max(1, pipeline.Memory{Fixed: fixed, Thread: thread}.Of(threads))
}
