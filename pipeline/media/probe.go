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

// File is what ffprobe says of one file, decoded from its JSON. Strings are ffmpeg's own names, empty where unknown,
// and fractions 0/0. Texts come from outside.
type File struct {
	Format   Format
	Streams  []Stream
	Chapters []Chapter
	Programs []Program // of a transport stream
	Prober   struct {
		Version string // ffprobe's own
	} `json:"program_version"`
	Warnings string `json:"-"` // what it complained about while looking, the last part of it

	single map[int]bool // video streams of one picture, by index; nil where there is nothing to choose from
}

// Format describes the container.
type Format struct {
	Name string `json:"format_name"` // the demuxer, such as "matroska,webm"
	Tags map[string]string
}

// Chapter is one chapter mark.
type Chapter struct {
	Start float64 `json:"start_time,string"` // seconds
	Tags  map[string]string
}

// Stream is one stream of any kind.
type Stream struct {
	Index       int
	Type        string            `json:"codec_type"` // video, audio, subtitle, data, attachment; empty: unknown
	Codec       string            `json:"codec_name"` // empty where unknown
	CodecTag    string            `json:"codec_tag_string"`
	TimeBase    pipeline.Rational `json:"-"`
	StartPTS    int64             `json:"start_pts"`   // NoPTS where unknown
	Duration    int64             `json:"duration_ts"` // ticks, 0 where unknown
	Disposition map[string]bool   `json:"-"`
	Tags        map[string]string
	// ExtradataSHA256 is the hash of the codec's private data (CodecPrivate, avcC), lower-case hex; empty where
	// there is none.
	ExtradataSHA256 string `json:"extradata_hash"`
	ExtradataSize   int    `json:"extradata_size"`     // bytes of it; an attachment is nothing else
	SampleRate      int    `json:"sample_rate,string"` // of sound

	Pictures
}

// Pictures is what is said of a video stream.
type Pictures struct {
	Width, Height int
	PixFmt        string            `json:"pix_fmt"`
	SAR           pipeline.Rational `json:"-"` // sample aspect ratio
	FrameRate     pipeline.Rational `json:"-"` // average
	BaseRate      pipeline.Rational `json:"-"` // r_frame_rate
	pipeline.Colour
	FieldOrder string `json:"field_order"`
	BFrames    int    `json:"has_b_frames"` // depth of reordering
	SideData   `json:"-"`
}

// AttachedPic tells a cover from a video track.
func (s Stream) AttachedPic() bool { return s.Disposition["attached_pic"] }

// IsText reports whether a stream is subtitles in text, which may be in another encoding than UTF-8.
func (s Stream) IsText() bool {
	return slices.Contains([]string{"ass", "mov_text", "ssa", "subrip", "text", "webvtt", "hdmv_text_subtitle", "microdvd",
		"subviewer"}, s.Codec)
}

// HasText reports whether there are such subtitles.
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
	args := slices.Concat(probeArgs(), options, Input(path))
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

func probeArgs() []string {
	return []string{"-v", "level+error", "-show_streams", "-show_format", "-show_chapters", "-show_programs",
		"-show_program_version", "-show_data_hash", "sha256", "-of", "json"}
}

func parseProbe(out []byte) (*File, error) {
	f := &File{}
	return f, json.Unmarshal(out, f)
}

// UnmarshalJSON reads ffprobe's words for a stream.
func (s *Stream) UnmarshalJSON(text []byte) error {
	type words Stream // has no UnmarshalJSON
	*s = Stream{StartPTS: NoPTS, Disposition: map[string]bool{}}
	raw := struct {
		*words
		TimeBase    string         `json:"time_base"`
		SAR         string         `json:"sample_aspect_ratio"`
		FrameRate   string         `json:"avg_frame_rate"`
		BaseRate    string         `json:"r_frame_rate"`
		Disposition map[string]int `json:"disposition"`
		SideData    sideDataList   `json:"side_data_list"`
	}{words: (*words)(s)}
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	s.TimeBase, s.SAR = parseRational(raw.TimeBase), parseRational(raw.SAR)
	s.FrameRate, s.BaseRate = parseRational(raw.FrameRate), parseRational(raw.BaseRate)
	for k, v := range raw.Disposition {
		s.Disposition[k] = v != 0
	}
	s.ExtradataSHA256 = strings.ToLower(strings.TrimPrefix(s.ExtradataSHA256, "SHA256:"))
	s.SideData = raw.SideData.read()
	for _, word := range []*string{&s.Codec, &s.PixFmt, &s.FieldOrder, &s.ColorRange, &s.ColorSpace, &s.ColorTransfer,
		&s.ColorPrimary, &s.ChromaLoc} {
		if slices.Contains([]string{"unknown", "unspecified", "reserved", "N/A"}, *word) {
			*word = ""
		}
	}
	return nil
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
