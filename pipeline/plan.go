package pipeline

import (
	"encoding/json"
	"fmt"
)

// Rational is a fraction such as a time base (seconds per tick) or an aspect ratio.
type Rational struct {
	Num int64 `json:"num"`
	Den int64 `json:"den"`
}

// Seconds returns ticks of this time base in seconds, for messages and for ffmpeg's -ss only:
// comparisons are made in ticks.
func (r Rational) Seconds(ticks int64) float64 {
	return float64(ticks) * float64(r.Num) / float64(r.Den)
}

// Valid reports whether both parts are above zero.
func (r Rational) Valid() bool { return r.Num > 0 && r.Den > 0 }

func (r Rational) String() string { return fmt.Sprintf("%d/%d", r.Num, r.Den) }

// Note adds a sentence for a person, in fmt.Sprintf's form.
func (p *Plan) Note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// Video is the source's video stream as far as encoding it needs to know. The strings are ffmpeg's
// names (ffprobe prints them, ffmpeg takes them), empty where unknown.
type Video struct {
	Index     int      `json:"index"` // of the stream in the file, for -map 0:<index>
	Codec     string   `json:"codec"`
	Width     int      `json:"width"`
	Height    int      `json:"height"`
	PixFmt    string   `json:"pix_fmt"`
	TimeBase  Rational `json:"time_base"`
	SAR       Rational `json:"sar"`
	FrameRate Rational `json:"frame_rate"` // average, for the output's default duration and for progress
	Colour
	FieldOrder string `json:"field_order,omitempty"` // progressive, tt, bb, tb, bt
	Rotation   int    `json:"rotation,omitempty"`    // degrees, from the display matrix
	HasBFrames bool   `json:"has_b_frames,omitempty"`
	HDR10
}

// Colour says how a picture's numbers become colours.
type Colour struct {
	ColorRange    string `json:"color_range,omitempty"`
	ColorSpace    string `json:"color_space,omitempty"`
	ColorTransfer string `json:"color_transfer,omitempty"`
	ColorPrimary  string `json:"color_primaries,omitempty"`
	ChromaLoc     string `json:"chroma_location,omitempty"`
}

// HDR10 is static metadata (SMPTE ST 2086, CTA-861.3) as the commands of the encoders take it:
// G(x,y)B(x,y)R(x,y)WP(x,y) L(max,min) in steps of 0.00002 and 0.0001 cd/m², and MaxCLL,MaxFALL in cd/m². Empty where
// there is none.
type HDR10 struct {
	MasterDisplay string `json:"master_display,omitempty"`
	MaxCLL        string `json:"max_cll,omitempty"`
}

// Picture is what the output's pictures are: decided once, for every chunk alike.
type Picture struct {
	Width  int      `json:"width"`
	Height int      `json:"height"`
	PixFmt string   `json:"pix_fmt"`
	SAR    Rational `json:"sar"` // not above zero where the source does not say
	// Fields is tff or bff for interlaced pictures, empty for progressive ones.
	Fields string `json:"fields,omitempty"`
	// Deinterlace makes a progressive picture of each one that says it is interlaced.
	Deinterlace bool `json:"deinterlace,omitempty"`
	// Edge is what makes the source's size even: crop or pad, at the right and the bottom; else empty.
	Edge string `json:"edge,omitempty"`
	// Crop is the part of the source's pictures that is kept; the zero Rect: all of them.
	Crop Rect `json:"crop,omitzero"`
}

// Kept is the part of the source's pictures that becomes the output's.
func (p Picture) Kept(v Video) Rect {
	if p.Crop != (Rect{}) {
		return p.Crop
	}
	return Rect{Width: v.Width, Height: v.Height}
}

// Plan is what the master decided about a job, once: which frames come out, and how they are cut.
// It is published under one name, never changed, and every worker goes by it. A plan that has an Analysis says what is
// to be measured first; its chunks are those that will be encoded.
type Plan struct {
	Format int    `json:"format"` // planFormat of who made it
	Nonce  string `json:"nonce"`  // tells whose plan was published first
	Job    string `json:"job"`
	Input
	Settings Settings   `json:"settings"`
	Analysis Analysis   `json:"analysis,omitempty"`
	Analysed []Analysed `json:"analysed,omitempty"` // the results of earlier plans that this one was made from
	Video    Video      `json:"video"`
	Out      Picture    `json:"out"`
	Timing
	Encoder string   `json:"encoder"`        // version string of the encoder that the test encode at submission ran with
	Build   Build    `json:"build,omitzero"` // that the chunks are encoded with, unless a Pin says otherwise
	Memory  Memory   `json:"memory,omitzero"`
	Pace    Pace     `json:"pace,omitzero"`    // of those who were there when it was made
	Budget  *Budget  `json:"budget,omitempty"` // of a film whose size is limited
	Buffer  Buffer   `json:"buffer,omitzero"`  // of the decoder; the film's chunks keep to it together
	Sound   int64    `json:"sound,omitempty"`  // bytes of sound that the output has too, at least; 0 where nobody asks
	Frames  int      `json:"frames"`
	Chunks  []Chunk  `json:"chunks"`
	Notes   []string `json:"notes,omitempty"` // what a person should know: what the container can't take, damage, …
}

// Input is a plan's source.
type Input struct {
	// file in the job's folder that chunks are read from: source.<ext> or norm.<nonce>.mkv
	Source     string `json:"source"`
	Original   string `json:"original"`    // file in the job's folder as it was dropped
	SourceSize int64  `json:"source_size"` // bytes of Original
	CRC32      string `json:"crc32"`       // of Original, 8 upper-case hex digits
}

// Timing is how times are written in the files that come of a plan.
type Timing struct {
	// Muxer is the container of the encoded chunks: matroska, or mp4 with Timescale ticks a second where
	// Matroska's millisecond would round.
	Muxer     string `json:"muxer"`
	Timescale int64  `json:"timescale,omitempty"`
	// Tick is that of an output in Matroska (TimestampScale), in nanoseconds; 0: its usual millisecond.
	Tick int64 `json:"tick,omitempty"`
	// LastTicks is how long the source shows its last picture, in ticks; 0 where it does not say.
	LastTicks int64 `json:"last_ticks,omitempty"`
}

// Pixels is the size of one of the output's pictures; 1 where it is not known.
func (p *Plan) Pixels() float64 { return float64(max(1, p.Out.Width*p.Out.Height)) }

// Seconds is how long the film lasts, up to the end of its last picture.
func (p *Plan) Seconds() float64 {
	if len(p.Chunks) == 0 {
		return 0
	}
	ticks := p.Chunks[len(p.Chunks)-1].End - p.Chunks[0].Start + max(0, p.LastTicks-1)
	return p.Video.TimeBase.Seconds(ticks)
}

// Cut reports whether a chunk's file is a piece that is cut out of the source; else it is the name of a range of it.
func (p *Plan) Cut(chunk int) bool { return p.Analysis == "" && p.Chunks[chunk].Kind == KindPiece }

// Chunk is a range of the source's frames in presentation order.
type Chunk struct {
	Index int   `json:"index"`
	Kind  Kind  `json:"kind"`  // as planned; a piece that does not check becomes a range
	Start int64 `json:"start"` // first PTS, in ticks of the source
	End   int64 `json:"end"`   // first PTS that no longer belongs to it (the last chunk: last PTS + 1)
	First int   `json:"first"` // its first frame's number in the whole source, for the slow path
	// Seeks are the places to seek to, in ticks, to be tried in this order until the frames that come out
	// are the planned ones; after them, reading from the file's start. Empty: only from the start.
	Seeks []int64 `json:"seeks,omitempty"`
	// Key is the PTS of the key packet the chunk's piece starts with, Packets how many packets it has, and At
	// how many of the stream's packets are in front of it, from the first key packet on.
	Key     int64 `json:"key"`
	Packets int   `json:"packets"`
	At      int   `json:"at,omitempty"`
	// Bytes is what its frames take in the source, about; 0 where nobody asks.
	Bytes int64 `json:"bytes,omitempty"`
	// Cost is what encoding it is expected to take, in mean frames of the source.
	Cost float64 `json:"cost,omitempty"`
	// PTS are the frames that come out, ascending, in ticks of the source.
	PTS Timestamps `json:"pts"`
}

// Work is what encoding the chunk is expected to take, in mean frames of its source.
func (c *Chunk) Work() float64 {
	if c.Cost > 0 {
		return c.Cost
	}
	return float64(c.PTS.Len())
}

// ForgetTimes keeps of the timestamps only how many they are: nobody who looks at a job's state needs more.
func (p *Plan) ForgetTimes() {
	for i := range p.Chunks {
		p.Chunks[i].PTS.deltas = nil
	}
}

// RangeText is what the file of a range chunk holds. It is for people: workers go by the name and the plan.
func (p *Plan) RangeText(chunk int) ([]byte, error) {
	c := p.Chunks[chunk]
	b, err := json.Marshal(map[string]any{
		"job": p.Job, "chunk": chunk, "source": JobFile(p.Job, p.Source), "frames": c.PTS.Len(),
		"start_seconds": p.Video.TimeBase.Seconds(c.Start), "end_seconds": p.Video.TimeBase.Seconds(c.End),
	})
	return append(b, '\n'), err
}
