package media

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
)

// NoPTS stands for a timestamp that the container does not have.
const NoPTS = math.MinInt64

// probeLimit bounds what ffprobe may print about one file: a file with that much text in its tags is
// not a video anybody made.
const probeLimit = 16 << 20

// File is what ffprobe says of one file. Strings are ffmpeg's own names, empty where unknown, and fractions 0/0. Texts
// come from outside.
type File struct {
	Format   Format
	Streams  []Stream
	Chapters []Chapter
	Programs []Program // of a transport stream
	Prober   string    // ffprobe's own version
	Warnings string    // what it complained about while looking, the last part of it

	single map[int]bool // video streams of one picture, by index; nil where there is nothing to choose from
}

// Format describes the container.
type Format struct {
	Name     string // the demuxer, such as "matroska,webm"
	Size     int64
	Start    float64 // seconds
	Duration float64 // seconds, 0 where unknown
	Tags     map[string]string
}

// Chapter is one chapter mark.
type Chapter struct {
	TimeBase   pipeline.Rational
	Start, End int64 // ticks of TimeBase
	Tags       map[string]string
}

// Stream is one stream of any kind.
type Stream struct {
	Index       int
	Type        string // video, audio, subtitle, data, attachment; empty where ffmpeg can't tell
	Codec       string // empty where unknown
	CodecTag    string
	Profile     string
	TimeBase    pipeline.Rational
	StartPTS    int64 // NoPTS where unknown
	Duration    int64 // ticks, 0 where unknown
	Disposition map[string]bool
	Tags        map[string]string
	// ExtradataSHA256 is the hash of the codec's private data (CodecPrivate, avcC), lower-case hex; empty where
	// there is none.
	ExtradataSHA256 string

	Pictures
	Sound
}

// Pictures is what is said of a video stream.
type Pictures struct {
	Width, Height int
	PixFmt        string
	SAR           pipeline.Rational // sample aspect ratio
	FrameRate     pipeline.Rational // average
	BaseRate      pipeline.Rational // r_frame_rate
	pipeline.Colour
	FieldOrder string
	BFrames    int // has_b_frames: depth of reordering
	Rotation   int // degrees, counter-clockwise, from the display matrix
	HDR        HDR
	Stereo     string // layout of 3D pictures, in ffmpeg's words; empty: not in 3D
	Spherical  bool   // made for all directions
}

// Sound is what is said of an audio stream.
type Sound struct {
	SampleRate, Channels int
	ChannelLayout        string
}

// AttachedPic tells a cover from a video track.
func (s Stream) AttachedPic() bool { return s.Disposition["attached_pic"] }

// IsText tells whether a stream is subtitles in text, which may be in another encoding than UTF-8.
func (s Stream) IsText() bool {
	return slices.Contains([]string{"ass", "mov_text", "ssa", "subrip", "text", "webvtt", "hdmv_text_subtitle", "microdvd",
		"subviewer"}, s.Codec)
}

// HasText tells whether there are such subtitles.
func (f *File) HasText() bool { return slices.ContainsFunc(f.Streams, Stream.IsText) }

// Describe names a stream for a person: "subtitle track 3 (ass, fre, \"Full\")".
func (s Stream) Describe() string {
	kind := s.Type
	switch {
	case s.AttachedPic():
		kind = "cover"
	case kind == "":
		kind = "unknown"
	case kind == "audio" || kind == "subtitle" || kind == "video":
		kind += " track"
	}
	var about []string
	for _, word := range []string{s.Codec, s.Tags["language"]} {
		if word != "" && word != "und" {
			about = append(about, word)
		}
	}
	for _, name := range []string{"title", "filename"} {
		if s.Tags[name] != "" {
			about = append(about, fmt.Sprintf("%q", s.Tags[name]))
		}
	}
	text := fmt.Sprintf("%s %d", kind, s.Index)
	if len(about) > 0 {
		text += " (" + strings.Join(about, ", ") + ")"
	}
	return text
}

// Probe reads a file's header with ffprobe. path is absolute; options are for the input.
func (t Tools) Probe(ctx context.Context, path string, options ...string) (*File, error) {
	args := append([]string{"-v", "level+error", "-show_streams", "-show_format", "-show_chapters", "-show_programs",
		"-show_program_version",
		"-show_data_hash", "sha256", "-of", "json"}, append(options, Input(path)...)...)
	out, said, err := t.output(ctx, Reading(0), probeLimit, t.FFprobe, args...)
	if err != nil {
		return nil, fmt.Errorf("cannot probe %q: %w", path, err)
	}
	f, err := parseProbe(out)
	if err != nil {
		return nil, fmt.Errorf("cannot read what ffprobe says of %q: %w", path, err)
	}
	f.Warnings = said
	return f, t.findSingle(ctx, path, f)
}

type rawStream struct {
	Index       int            `json:"index"`
	Type        string         `json:"codec_type"`
	Codec       string         `json:"codec_name"`
	CodecTag    string         `json:"codec_tag_string"`
	Profile     string         `json:"profile"`
	TimeBase    string         `json:"time_base"`
	StartPTS    *int64         `json:"start_pts"`
	Duration    int64          `json:"duration_ts"`
	Disposition map[string]int `json:"disposition"`
	Tags        map[string]string
	Hash        string `json:"extradata_hash"`
	rawPictures
	rawSound
	SideData []json.RawMessage `json:"side_data_list"`
}

// rawPictures and rawSound are ffprobe's words for them.
type rawPictures struct {
	Width     int    `json:"width"`
	Height    int    `json:"height"`
	PixFmt    string `json:"pix_fmt"`
	SAR       string `json:"sample_aspect_ratio"`
	FrameRate string `json:"avg_frame_rate"`
	BaseRate  string `json:"r_frame_rate"`
	pipeline.Colour
	FieldOrder string `json:"field_order"`
	BFrames    int    `json:"has_b_frames"`
}

type rawSound struct {
	SampleRate    string `json:"sample_rate"`
	Channels      int    `json:"channels"`
	ChannelLayout string `json:"channel_layout"`
}

func parseProbe(out []byte) (*File, error) {
	var raw struct {
		Program struct {
			Version string
		} `json:"program_version"`
		Streams  []rawStream
		Programs []struct {
			Number  int `json:"program_num"`
			Tags    map[string]string
			Streams []struct{ Index int }
		}
		Chapters []struct {
			TimeBase string `json:"time_base"`
			Start    int64
			End      int64
			Tags     map[string]string
		}
		Format struct {
			Name     string `json:"format_name"`
			Size     string
			Start    string `json:"start_time"`
			Duration string
			Tags     map[string]string
		}
	}
	if err := json.Unmarshal(out, &raw); err != nil {
		return nil, err
	}
	f := &File{Format: Format{Name: raw.Format.Name, Tags: raw.Format.Tags}, Prober: raw.Program.Version}
	f.Format.Size, _ = strconv.ParseInt(raw.Format.Size, 10, 64) // absent values stay zero
	f.Format.Start, _ = strconv.ParseFloat(raw.Format.Start, 64)
	f.Format.Duration, _ = strconv.ParseFloat(raw.Format.Duration, 64)
	for _, c := range raw.Chapters {
		f.Chapters = append(f.Chapters, Chapter{parseRational(c.TimeBase), c.Start, c.End, c.Tags})
	}
	for _, s := range raw.Streams {
		f.Streams = append(f.Streams, s.stream())
	}
	for _, p := range raw.Programs {
		program := Program{Number: p.Number, Name: p.Tags["service_name"]}
		for _, s := range p.Streams {
			program.Streams = append(program.Streams, s.Index)
		}
		f.Programs = append(f.Programs, program)
	}
	return f, nil
}

func (r rawStream) stream() Stream {
	s := Stream{
		Index: r.Index, Type: r.Type, Codec: stated(r.Codec), CodecTag: r.CodecTag, Profile: stated(r.Profile),
		TimeBase: parseRational(r.TimeBase), StartPTS: NoPTS, Duration: r.Duration, Tags: r.Tags,
		Disposition: map[string]bool{}, ExtradataSHA256: strings.ToLower(strings.TrimPrefix(r.Hash, "SHA256:")),
		Sound: Sound{Channels: r.Channels, ChannelLayout: stated(r.ChannelLayout)},
		Pictures: Pictures{
			Width: r.Width, Height: r.Height, PixFmt: stated(r.PixFmt), SAR: parseRational(r.SAR),
			FrameRate: parseRational(r.FrameRate), BaseRate: parseRational(r.BaseRate), FieldOrder: stated(r.FieldOrder),
			BFrames: r.BFrames, Colour: pipeline.Colour{
				ColorRange: stated(r.ColorRange), ColorSpace: stated(r.ColorSpace), ColorTransfer: stated(r.ColorTransfer),
				ColorPrimary: stated(r.ColorPrimary), ChromaLoc: stated(r.ChromaLoc),
			},
		},
	}
	if r.StartPTS != nil {
		s.StartPTS = *r.StartPTS
	}
	for k, v := range r.Disposition {
		s.Disposition[k] = v != 0
	}
	s.SampleRate, _ = strconv.Atoi(r.SampleRate)
	s.Rotation, s.HDR = parseSideData(r.SideData)
	s.Stereo, s.Spherical = parseLayout(r.SideData)
	return s
}

// stated maps the words ffprobe has for "unknown" to the empty string.
func stated(s string) string {
	if s == "unknown" || s == "unspecified" || s == "reserved" || s == "N/A" {
		return ""
	}
	return s
}

// parseRational reads "24000/1001" or "32:27"; anything else is 0/0.
func parseRational(s string) pipeline.Rational {
	num, den, ok := strings.Cut(s, "/")
	if !ok {
		num, den, _ = strings.Cut(s, ":")
	}
	n, err1 := strconv.ParseInt(num, 10, 64)
	d, err2 := strconv.ParseInt(den, 10, 64)
	if err1 != nil || err2 != nil {
		return pipeline.Rational{}
	}
	return pipeline.Rational{Num: n, Den: d}
}
