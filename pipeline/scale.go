package pipeline

import (
	"fmt"
	"strings"
)

// Scale is the box that pictures are to fit in, in pixels. The zero value leaves them as they are.
type Scale struct {
	Width, Height int
	Enlarge       bool // small pictures are made larger too
}

// Sides of a Scale in pixels; the longest is the longest that every encoder takes.
const minScale, maxScale = 16, 16384

func (s Scale) String() string {
	switch {
	case s == Scale{}:
		return "none"
	case s.Enlarge:
		return fmt.Sprintf("%dx%d enlarge", s.Width, s.Height)
	}
	return fmt.Sprintf("%dx%d", s.Width, s.Height)
}

// MarshalText implements encoding.TextMarshaler.
func (s Scale) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes "none", "1280x720" and "1280x720 enlarge".
func (s *Scale) UnmarshalText(text []byte) error {
	var read Scale
	size, enlarge := strings.CutSuffix(string(text), " enlarge")
	if n, _ := fmt.Sscanf(size, "%dx%d", &read.Width, &read.Height); n == 2 {
		read.Enlarge = enlarge
	}
	low, high := min(read.Width, read.Height), max(read.Width, read.Height)
	if read.String() != string(text) || read != (Scale{}) && (low < minScale || high > maxScale) {
		return fmt.Errorf(`must be "none", or a width and height from %d to %d such as "1280x720" `+
			`(or "1280x720 enlarge"), is %q`,
			minScale, maxScale, text)
	}
	*s = read
	return nil
}
