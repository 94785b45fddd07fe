package encoder

import (
	"fmt"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline/media"
)

// PixFmt is the pixel format that the output gets, in ffmpeg's name, for a source's format. What the
// user said with --output-csp and --output-depth holds; else the profile decides: baseline, main and
// high are 4:2:0 in 8 bit, high10 is 4:2:0 in 10 bit, high422 and high444 leave the source as it is as
// far as they allow. Without a profile the source's own form is kept as far as x264 has it.
func (x X264) PixFmt(source string) string {
	chroma, depth := pixelForm(source)
	switch x.Profile {
	case "baseline", "main", "high":
		chroma, depth = 420, 8
	case "high10":
		chroma, depth = 420, 10
	case "high422":
		if chroma == 444 {
			chroma = 422
		}
	}
	if x.Chroma != 0 {
		chroma = x.Chroma
	}
	if x.Depth != 0 {
		depth = x.Depth
	}
	name := "gray"
	if chroma != 400 {
		name = fmt.Sprintf("yuv%dp", chroma)
	}
	if depth == 10 {
		name += "10le"
	}
	return name
}

// pixelForm tells chroma sampling and depth that come nearest to a pixel format among those that
// x264 encodes. A format that is not known counts as 4:2:0 in 8 bit.
func pixelForm(format string) (chroma, depth int) {
	depth = 8
	for _, deep := range []string{"9", "10", "12", "14", "16", "32"} {
		// Only a depth stands right before the byte order; nv16 and yuv410p have none.
		if strings.HasSuffix(format, deep+"le") || strings.HasSuffix(format, deep+"be") {
			depth = 10
		}
	}
	switch {
	case strings.HasPrefix(format, "gray"), strings.HasPrefix(format, "ya"), strings.HasPrefix(format, "mono"):
		return 400, depth
	case media.RGB(format), containsAny(format, "444", "440", "nv24", "nv42", "ayuv", "p410", "p416", "xyz"):
		return 444, depth
	case containsAny(format, "422", "nv16", "nv20", "411", "p210", "p216", "y210", "y212"):
		return 422, depth
	}
	return 420, depth
}

func containsAny(s string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}
