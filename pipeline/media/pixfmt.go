package media

import "strings"

// RGB reports whether a pixel format has no luma: it must be converted, and its matrix says nothing of
// the output.
func RGB(format string) bool {
	return containsAny(format, "rgb", "bgr", "gbr", "pal8", "0rgb", "bayer")
}

// Alpha reports whether a pixel format has an opacity channel, which no output has.
func Alpha(format string) bool {
	return containsAny(format, "yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "ayuv", "pal8")
}

func containsAny(s string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
