package encoder

import (
	"fmt"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// pixelForm tells the chroma sampling, 400 to 444, and the depth, no more than deepest, that come nearest to a pixel
// format. A format that is not known counts as 4:2:0 in 8 bit.
func pixelForm(format string, deepest int) (chroma, depth int) {
	depth = 8
	for _, deep := range []string{"9", "10", "12", "14", "16", "32"} {
		// Only a depth stands right before the byte order; nv16 and yuv410p have none.
		if strings.HasSuffix(format, deep+"le") || strings.HasSuffix(format, deep+"be") {
			depth = 10
			if deepest > 10 && len(deep) == 2 && deep != "10" {
				depth = deepest
			}
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

// pixFmt is ffmpeg's name.
func pixFmt(chroma, depth int) string {
	name := "gray"
	if chroma != 400 {
		name = fmt.Sprintf("yuv%dp", chroma)
	}
	if depth > 8 {
		name += fmt.Sprintf("%dle", depth)
	}
	return name
}

// ChromaSize is how many luma samples a chroma sample stands for.
func ChromaSize(format string) (w, h int) {
	switch {
	case strings.HasPrefix(format, "yuv420p"):
		return 2, 2
	case strings.HasPrefix(format, "yuv422p"):
		return 2, 1
	}
	return 1, 1
}

// chromaPlaces are the places of chroma in ffprobe's names, by the numbers of x264's and x265's --chromaloc (ITU-T
// H.264, figure E-1).
var chromaPlaces = []string{"left", "center", "topleft", "top", "bottomleft", "bottom"}

func chromaPlace(number string) string {
	for i, place := range chromaPlaces {
		if number == fmt.Sprint(i) {
			return place
		}
	}
	return ""
}

// inFields reports whether a source is interlaced.
func inFields(v pipeline.Video) bool { return v.FieldOrder != "" && v.FieldOrder != "progressive" }

func containsAny(s string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}
