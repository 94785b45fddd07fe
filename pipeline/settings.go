package pipeline

import (
	"fmt"
	"slices"
	"strings"
)

// Settings are what one job is encoded with, resolved once by the master from profile and sidecar. Each setting has a
// type that is read from a person's text once; its text on the share is the same as in TOML.
type Settings struct {
	Profile     string         `json:"profile"`
	Encoder     string         `json:"encoder"` // its name in package encoder
	Options     string         `json:"options"` // of the encoder's own command line, checked by encoder.Of
	Container   Container      `json:"container,omitempty"`
	Audio       Audio          `json:"audio"`
	Subtitles   Subtitles      `json:"subtitles,omitempty"`
	Crop        Crop           `json:"crop,omitzero"`
	Scale       Scale          `json:"scale"`
	Deinterlace Deinterlace    `json:"deinterlace,omitempty"`
	Odd         Odd            `json:"odd,omitempty"`
	Quality     Quality        `json:"quality,omitzero"`
	MaxSize     Percent        `json:"max_size,omitzero"`
	Size        Size           `json:"size,omitzero"`
	Chunk       float64        `json:"chunk_seconds"` // wanted length of a chunk; 0: the encoder's own
	Pieces      Pieces         `json:"pieces,omitempty"`
	Disposal    SourceDisposal `json:"source,omitempty"`
}

// Effort names the settings that a pixel's encoding time depends on: speeds measured with others do not apply.
func (s Settings) Effort() string {
	all := []string{s.Encoder, s.Options, s.Scale.String(), string(s.Deinterlace)}
	if !s.Quality.None() {
		all = append(all, s.Quality.String())
	}
	return strings.TrimSpace(strings.Join(all, " "))
}

// unknownEarlier is what of the settings earlier versions of distenc do not know, and so plan without.
func (s Settings) unknownEarlier() Settings {
	return Settings{Crop: s.Crop, Quality: s.Quality, MaxSize: s.MaxSize, Size: s.Size}
}

type (
	// Container is the output's file format.
	Container string
	// Subtitles is what becomes of the source's subtitles.
	Subtitles string
	// Deinterlace is whether interlaced pictures become progressive ones.
	Deinterlace string
	// Odd is what becomes of a width or height that the output's chroma can't halve.
	Odd string
	// Pieces is what a chunk's file holds: a piece of the source, or the name of a range of it.
	Pieces string
	// SourceDisposal is what becomes of a source once its output is published.
	SourceDisposal string
)

// The words of those settings.
const (
	MKV Container = "mkv"
	MP4 Container = "mp4"

	CopySubtitles Subtitles = "copy"
	NoSubtitles   Subtitles = "none"

	KeepInterlaced  Deinterlace = "no"
	MakeProgressive Deinterlace = "yes"

	RefuseOdd Odd = "refuse"
	CropOdd   Odd = "crop"
	PadOdd    Odd = "pad"

	CopyPieces  Pieces = "copy"
	RangePieces Pieces = "range"

	ArchiveSource SourceDisposal = "archive"
	DeleteSource  SourceDisposal = "delete"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Container) UnmarshalText(text []byte) error { return setWord(c, text, MKV, MP4) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Subtitles) UnmarshalText(text []byte) error {
	return setWord(s, text, CopySubtitles, NoSubtitles)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Deinterlace) UnmarshalText(text []byte) error {
	return setWord(d, text, KeepInterlaced, MakeProgressive)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Odd) UnmarshalText(text []byte) error { return setWord(o, text, RefuseOdd, CropOdd, PadOdd) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Pieces) UnmarshalText(text []byte) error { return setWord(p, text, CopyPieces, RangePieces) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *SourceDisposal) UnmarshalText(text []byte) error {
	return setWord(d, text, ArchiveSource, DeleteSource)
}

func setWord[T ~string](to *T, text []byte, words ...T) error {
	if err := OneOf(T(text), words...); err != nil {
		return err
	}
	*to = T(text)
	return nil
}

// OneOf returns an error that lists the words if a text is none of them.
func OneOf[T ~string](text T, words ...T) error {
	if slices.Contains(words, text) {
		return nil
	}
	return fmt.Errorf("must be %s, is %q", series(words, "or"), text)
}

// ThereAre says which of a kind there are: "there is a", "there are a, b and c".
func ThereAre[T ~string](words []T) string {
	if len(words) == 1 {
		return "there is " + string(words[0])
	}
	return "there are " + series(words, "and")
}

// series lists words as a sentence does: "a", "a or b", "a, b or c".
func series[T ~string](words []T, conjunction string) string {
	var list strings.Builder
	for i, w := range words {
		switch i {
		case 0:
		case len(words) - 1:
			list.WriteString(" " + conjunction + " ")
		default:
			list.WriteString(", ")
		}
		list.WriteString(string(w))
	}
	return list.String()
}

// Audio is what becomes of the source's sound. The zero value copies it.
type Audio struct {
	AAC int // kbit/s that every track becomes AAC with; 0: it is copied
}

// Bit rates of AAC in kbit/s: below, it is no music; above, no encoder goes.
const minBitrate, maxBitrate = 32, 512

func (a Audio) String() string {
	if a.AAC == 0 {
		return "copy"
	}
	return fmt.Sprintf("aac %dk", a.AAC)
}

// MarshalText implements encoding.TextMarshaler.
func (a Audio) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes "copy" and "aac 160k".
func (a *Audio) UnmarshalText(text []byte) error {
	var read Audio
	_, err := fmt.Sscanf(string(text), "aac %dk", &read.AAC)
	if read.String() != string(text) || err == nil && (read.AAC < minBitrate || read.AAC > maxBitrate) {
		return fmt.Errorf(`must be "copy" or "aac" and a bit rate from %dk to %dk, such as "aac 160k", is %q`,
			minBitrate, maxBitrate, text)
	}
	*a = read
	return nil
}

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
