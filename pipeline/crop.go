package pipeline

import "fmt"

// Rect is a part of a picture, in pixels, in the order of ffmpeg's crop. The zero Rect is none.
type Rect struct {
	Width  int `json:"width"`
	Height int `json:"height"`
	X      int `json:"x"`
	Y      int `json:"y"`
}

func (r Rect) String() string { return fmt.Sprintf("%d:%d:%d:%d", r.Width, r.Height, r.X, r.Y) }

// Within reports whether the part lies in pictures of a size.
func (r Rect) Within(width, height int) bool {
	return r.Width > 0 && r.Height > 0 && r.X >= 0 && r.Y >= 0 && r.X <= width-r.Width && r.Y <= height-r.Height
}

// Union is the smallest part that holds both.
func (r Rect) Union(s Rect) Rect {
	if r == (Rect{}) || s == (Rect{}) {
		return Rect{r.Width + s.Width, r.Height + s.Height, r.X + s.X, r.Y + s.Y}
	}
	x, y := min(r.X, s.X), min(r.Y, s.Y)
	return Rect{max(r.X+r.Width, s.X+s.Width) - x, max(r.Y+r.Height, s.Y+s.Height) - y, x, y}
}

// Crop is which part of the pictures is kept: all of them for the zero value, what is not black anywhere in the film
// with Auto, else Rect.
type Crop struct {
	Rect
	Auto bool
}

// maxCrop is the longest side of a part that is kept, in pixels: the longest that every encoder takes.
const maxCrop = maxScale

func (c Crop) String() string {
	switch {
	case c.Auto:
		return "auto"
	case c == Crop{}:
		return "none"
	}
	return c.Rect.String()
}

// MarshalText implements encoding.TextMarshaler.
func (c Crop) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes "none", "auto" and "1920:800:0:140".
func (c *Crop) UnmarshalText(text []byte) error {
	var read Crop
	if string(text) == "auto" {
		read.Auto = true
	} else {
		_, _ = fmt.Sscanf(string(text), "%d:%d:%d:%d", &read.Width, &read.Height, &read.X, &read.Y)
	}
	known := read.Auto || read == Crop{} || read.Within(maxCrop, maxCrop)
	if read.String() != string(text) || !known {
		return fmt.Errorf(`must be "none", "auto", or the width, height, left and top edge of what is kept such as `+
			`"1920:800:0:140", is %q`, text)
	}
	*c = read
	return nil
}
