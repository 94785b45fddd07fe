package pipeline

import "strings"

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
	Name        Naming         `json:"name,omitzero"` // with the codec filled in
	Dates       Dates          `json:"dates,omitzero"`
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
	return Settings{Crop: s.Crop, Quality: s.Quality, MaxSize: s.MaxSize, Size: s.Size, Name: s.Name, Dates: s.Dates}
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
	AutoPieces  Pieces = "auto" // never a plan's, which has what was chosen

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
func (p *Pieces) UnmarshalText(text []byte) error {
	return setWord(p, text, CopyPieces, RangePieces, AutoPieces)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *SourceDisposal) UnmarshalText(text []byte) error {
	return setWord(d, text, ArchiveSource, DeleteSource)
}
