package media

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
)

// HDR is HDR10's static metadata in the notation of encoders' options, empty where there is none, and what there is of
// dynamic metadata, which no output has.
type HDR struct {
	MasterDisplay string // G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min), in 0.00002 and 0.0001 cd/m²
	MaxCLL        string // content,average in cd/m²
	Plus          bool   // HDR10+
	DolbyVision   string // its profile, such as "8.1"; "?" if only the pictures tell of it; empty: none
}

// Lost says what a person should know of dynamic metadata, which stands beside each picture and can't be
// passed through an encoder; empty where there is none.
func (h HDR) Lost() (notes []string) {
	profile, base, _ := strings.Cut(h.DolbyVision, ".")
	shows := map[string]string{"1": "HDR10", "2": "SDR", "4": "HLG", "6": "HDR10"}[base]
	switch {
	case h.DolbyVision == "":
	case base == "0":
		notes = append(notes, fmt.Sprintf("The source is Dolby Vision (profile %s), made for players of that alone: its "+
			"dynamic metadata is not kept, "+
			"and without it the colours of the output are wrong.", profile))
	case shows == "":
		notes = append(notes, "The source's Dolby Vision metadata is not kept: the output shows its base layer alone.")
	default:
		notes = append(notes, fmt.Sprintf("The source's Dolby Vision metadata (profile %s) is not kept: the output shows "+
			"its base layer, which is %s.", h.DolbyVision, shows))
	}
	if h.Plus {
		notes = append(notes, "The source's HDR10+ dynamic metadata is not kept; HDR10's static metadata (mastering "+
			"display, light level) is, where the source has it.")
	}
	return notes
}

// Or fills what h does not tell from another place.
func (h HDR) Or(other HDR) HDR {
	h.MasterDisplay, h.MaxCLL = cmp.Or(h.MasterDisplay, other.MasterDisplay), cmp.Or(h.MaxCLL, other.MaxCLL)
	h.DolbyVision, h.Plus = cmp.Or(h.DolbyVision, other.DolbyVision), h.Plus || other.Plus
	return h
}

// HeadPackets is how many packets Head decodes at the start of a source: more than any codec reorders.
const HeadPackets = 40

// Head is what the first decoded frames tell beyond the stream's header.
type Head struct {
	Packets       int     // so many were decoded, or all that there are
	PTS           []int64 // of the decoded frames in the order they came, ticks; NoPTS where there is none
	Width, Height int     // these, PixFmt and HDR are the first frame's
	PixFmt        string
	HDR           HDR
	Interlaced    bool // some frame is
	TopFirst      bool // of the first interlaced frame
	Repeats       bool // some frame asks for a field to be shown twice (soft telecine)
	Changes       bool // some frame has another form than the first one
}

// Head decodes the first packets of a stream, count of them. HDR10 metadata in the bitstream (SEI), the
// order of fields, and whether a decoder can begin there at all, are often known only then. A stream of which
// nothing can be decoded has no PTS in its Head.
func (t Tools) Head(ctx context.Context, path, stream string, count int) (Head, error) {
	h, err := t.decode(ctx, path, stream, fmt.Sprintf("%%+#%d", count), count)
	h.Packets = count
	return h, err
}

// FirstVideo selects the first video stream that is no cover (ffmpeg(1), "Stream specifiers"), which is nearly always
// the film.
const FirstVideo = "V:0"

// CutOff tells of a file that ends within its last packet, as an MP4 does that was not copied whole: whether it
// is such a file, and if so whether that packet still gives a picture. p are the stream's packets.
func (t Tools) CutOff(ctx context.Context, path string, stream int, base pipeline.Rational, p *Packets,
) (cut, shown bool, err error) {
	if p.Len() == 0 || !strings.Contains(p.Warnings, ": partial file") {
		return false, true, nil
	}
	last, key := p.Len()-1, p.Len()-1
	for key > 0 && (p.Flags[key]&Key == 0 || p.PTS[key] == NoPTS) {
		key--
	}
	interval := "%"
	if key > 0 {
		interval = fmt.Sprintf("%.6f%%", base.Seconds(p.PTS[key]))
	}
	tail, err := t.decode(ctx, path, strconv.Itoa(stream), interval, 2*(p.Len()-key))
	return true, slices.Contains(tail.PTS, p.PTS[last]), err
}

// decode decodes what ffprobe calls a read interval, about count packets.
func (t Tools) decode(ctx context.Context, path, stream, interval string, count int) (Head, error) {
	args := slices.Concat([]string{"-v", "level+error", "-select_streams", stream, "-of", "json"}, headArgs(interval),
		Input(path))
	limits := Encoding(count, 0, largestHead)
	limits.CPU += Reading(Size(path)).CPU
	out, _, err := t.output(ctx, limits, probeLimit, t.FFprobe, args...)
	if err != nil {
		return Head{}, fmt.Errorf("cannot decode frames of %q: %w", path, err)
	}
	h, err := parseHead(out)
	if err != nil {
		return Head{}, fmt.Errorf("cannot read what ffprobe says of %q: %w", path, err)
	}
	return h, nil
}

// headArgs leave out of decoding what changes pixels alone: smoothing the edges of blocks.
func headArgs(interval string) []string {
	return []string{"-skip_loop_filter", "all", "-read_intervals", interval, "-show_entries",
		"frame=media_type,best_effort_timestamp,width,height,pix_fmt,interlaced_frame,top_field_first,repeat_pict:" +
			"frame_side_data", "-show_frames"}
}

func parseHead(out []byte) (Head, error) {
	var raw struct {
		Frames []struct {
			Type          string `json:"media_type"`
			PTS           *int64 `json:"best_effort_timestamp"`
			Width, Height int
			PixFmt        string       `json:"pix_fmt"`
			Interlaced    int          `json:"interlaced_frame"`
			TopFirst      int          `json:"top_field_first"`
			Repeat        int          `json:"repeat_pict"`
			SideData      sideDataList `json:"side_data_list"`
		}
	}
	var h Head
	if err := json.Unmarshal(out, &raw); err != nil {
		return h, err
	}
	for _, f := range raw.Frames {
		if f.Type == "audio" {
			continue
		}
		if len(h.PTS) == 0 {
			h.Width, h.Height, h.PixFmt, h.HDR = f.Width, f.Height, f.PixFmt, f.SideData.read().HDR
		}
		h.Changes = h.Changes || f.Width != h.Width || f.Height != h.Height || f.PixFmt != h.PixFmt
		pts := int64(NoPTS)
		if f.PTS != nil {
			pts = *f.PTS
		}
		h.PTS = append(h.PTS, pts)
		if f.Interlaced != 0 && !h.Interlaced {
			h.Interlaced, h.TopFirst = true, f.TopFirst != 0
		}
		h.Repeats = h.Repeats || f.Repeat != 0
	}
	return h, nil
}

// SideData is what stands beside a stream or a frame.
type SideData struct {
	Rotation  int // degrees, counter-clockwise, from the display matrix
	HDR       HDR
	Stereo    string // layout of 3D pictures, in ffmpeg's words; empty: not in 3D
	Spherical bool   // made for all directions
}

// sideDataList is ffprobe's list of it. Each kind has fields of its own, so that one which is not known here, or is not
// as it was, must not spoil the rest.
type sideDataList []map[string]any

func (list sideDataList) read() (d SideData) {
	for _, m := range list {
		number := func(key string) float64 {
			n, _ := m[key].(float64)
			return n
		}
		switch m["side_data_type"] {
		case "HDR Dynamic Metadata SMPTE2094-40 (HDR10+)", "HDR10+ Dynamic Metadata (SMPTE 2094-40)":
			d.HDR.Plus = true
		case "Dolby Vision RPU Data", "Dolby Vision Metadata":
			d.HDR.DolbyVision = cmp.Or(d.HDR.DolbyVision, "?")
		case "DOVI configuration record":
			d.HDR.DolbyVision = fmt.Sprintf("%.0f.%.0f", number("dv_profile"), number("dv_bl_signal_compatibility_id"))
		case "Display Matrix", "3x3 displaymatrix":
			if turn := number("rotation"); math.Abs(turn) <= 360 {
				d.Rotation = int(math.Round(turn))
			}
		case "Mastering display metadata":
			d.HDR.MasterDisplay = masterDisplay(m)
		case "Content light level metadata":
			content, average := number("max_content"), number("max_average")
			if content > 0 && average >= 0 && max(content, average) <= math.MaxUint16 {
				d.HDR.MaxCLL = fmt.Sprintf("%.0f,%.0f", content, average)
			}
		case "Spherical Mapping":
			d.Spherical = true
		case "Stereo 3D":
			if d.Stereo, _ = m["type"].(string); d.Stereo == "2D" {
				d.Stereo = ""
			} else if number("inverted") != 0 {
				d.Stereo += ", inverted"
			}
		}
	}
	return d
}

// masterDisplay is empty unless all ten numbers are there, and HDR10 can tell them: half of it means nothing, and of
// larger ones encoders keep the lower bits.
func masterDisplay(m map[string]any) string {
	complete := true
	get := func(key string, unit, most float64) int64 {
		s, _ := m[key].(string)
		r := parseRational(s)
		steps := math.Round(float64(r.Num) / float64(r.Den) * unit)
		if r.Den <= 0 || steps < 0 || steps > most {
			complete = false
			return 0
		}
		return int64(steps)
	}
	chromaticity := func(key string) int64 { return get(key, 50000, math.MaxUint16) }
	luminance := func(key string) int64 {
		const cd, brightest = 10000, 100000 // cd/m²: no screen comes near to it, and encoders count in 32 bits
		return get(key, cd, brightest*cd)
	}
	s := fmt.Sprintf("G(%d,%d)B(%d,%d)R(%d,%d)WP(%d,%d)L(%d,%d)",
		chromaticity("green_x"), chromaticity("green_y"), chromaticity("blue_x"), chromaticity("blue_y"),
		chromaticity("red_x"), chromaticity("red_y"), chromaticity("white_point_x"), chromaticity("white_point_y"),
		luminance("max_luminance"), luminance("min_luminance"))
	if !complete {
		return ""
	}
	return s
}
