package media

import (
	"slices"
	"strconv"
	"strings"
)

// The names that ffprobe and encoders print for what a video says of its colours, each at the number that stands in the
// stream (ITU-T H.273, tables 2 to 4). ffmpeg's options take the numbers, in all versions; they take other names than
// ffprobe prints (gamma28 for bt470bg, rgb for gbr), and which ones depends on the version.
var (
	primaries = []string{"", "bt709", "undef", "", "bt470m", "bt470bg", "smpte170m", "smpte240m", "film", "bt2020",
		"smpte428", "smpte431", "smpte432",
		22: "ebu3213"}
	transferNames = []string{"", "bt709", "undef", "", "bt470m", "bt470bg", "smpte170m", "smpte240m", "linear", "log100",
		"log316", "iec61966-2-4", "bt1361e",
		"iec61966-2-1", "bt2020-10", "bt2020-12", "smpte2084", "smpte428", "arib-std-b67"}
	matrices = []string{"gbr", "bt709", "undef", "", "fcc", "bt470bg", "smpte170m", "smpte240m", "ycgco", "bt2020nc",
		"bt2020c", "smpte2085",
		"chroma-derived-nc", "chroma-derived-c", "ictcp"}
	chromaPlaces = []string{"", "left", "center", "topleft", "top", "bottomleft", "bottom"}
)

// Scaled reports whether swscale knows a matrix. Since ffmpeg 7 it refuses pictures with another, also where it has
// nothing to do with them.
func Scaled(matrix string) bool {
	return slices.Contains([]string{"", "bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "bt2020nc"}, matrix)
}

// Colours is what a video says of its colours, as ffmpeg's options take it: numbers, empty where it says nothing, or
// what no stream can say.
type Colours struct{ Primaries, Transfer, Matrix, ChromaPlace string }

// Filter makes each picture say so: since ffmpeg 7, encoders believe pictures more than options. range is tv, pc or
// empty.
func (c Colours) Filter(colourRange string) string {
	var parts []string
	for _, p := range [][2]string{{"range", colourRange}, {"color_primaries", c.Primaries}, {"color_trc", c.Transfer},
		{"colorspace", c.Matrix}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ",setparams=" + strings.Join(parts, ":")
}

// ColoursOf takes the names that ffprobe and encoders have.
func ColoursOf(primary, transfer, matrix, chromaPlace string) Colours {
	return Colours{codePoint(primaries, primary), codePoint(transferNames, transfer), codePoint(matrices, matrix),
		codePoint(chromaPlaces, chromaPlace)}
}

func codePoint(names []string, name string) string {
	if i := slices.Index(names, strings.ToLower(name)); i >= 0 && name != "" {
		return strconv.Itoa(i)
	}
	return ""
}
