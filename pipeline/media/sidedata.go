package media

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// HDR is HDR10's static metadata in x264's notation, empty where there is none.
type HDR struct {
	MasterDisplay string // G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min), in 0.00002 and 0.0001 cd/m²
	MaxCLL        string // content,average in cd/m²
}

// Frame is what the first decoded frame tells beyond the stream's header.
type Frame struct {
	Width, Height int
	PixFmt        string
	Interlaced    bool
	TopFirst      bool
	HDR           HDR
}

// FirstFrame decodes the first frame of a stream. HDR10 metadata in the bitstream (SEI) and the order
// of fields are often known only then. A stream without any frame is an error.
func (t Tools) FirstFrame(ctx context.Context, path string, stream int) (Frame, error) {
	args := append([]string{"-v", "error", "-select_streams", strconv.Itoa(stream), "-read_intervals", "%+#1",
		"-show_entries", "frame=width,height,pix_fmt,interlaced_frame,top_field_first:frame_side_data", "-show_frames", "-of", "json"},
		Input(path)...)
	out, err := t.Output(ctx, probeLimit, t.FFprobe, args...)
	if err != nil {
		return Frame{}, fmt.Errorf("cannot decode the first frame of %q: %w", path, err)
	}
	var raw struct {
		Frames []struct {
			Width, Height int
			PixFmt        string            `json:"pix_fmt"`
			Interlaced    int               `json:"interlaced_frame"`
			TopFirst      int               `json:"top_field_first"`
			SideData      []json.RawMessage `json:"side_data_list"`
		}
	}
	if err := json.Unmarshal(out, &raw); err != nil {
		return Frame{}, fmt.Errorf("cannot read what ffprobe says of %q: %w", path, err)
	}
	if len(raw.Frames) == 0 {
		return Frame{}, fmt.Errorf("cannot decode the first frame of %q: there is none", path)
	}
	f := raw.Frames[0]
	_, hdr := parseSideData(f.SideData)
	return Frame{f.Width, f.Height, f.PixFmt, f.Interlaced != 0, f.TopFirst != 0, hdr}, nil
}

// parseSideData picks what is carried over out of a stream's or a frame's side data. Each kind has
// fields of its own, so one that is not known here must not spoil the rest.
func parseSideData(list []json.RawMessage) (rotation int, hdr HDR) {
	for _, data := range list {
		var kind struct {
			Type string `json:"side_data_type"`
		}
		if json.Unmarshal(data, &kind) != nil {
			continue
		}
		switch kind.Type {
		case "Display Matrix", "3x3 displaymatrix":
			var m struct{ Rotation float64 }
			if json.Unmarshal(data, &m) == nil && math.Abs(m.Rotation) <= 360 {
				rotation = int(math.Round(m.Rotation))
			}
		case "Mastering display metadata":
			var m map[string]any
			if json.Unmarshal(data, &m) == nil {
				hdr.MasterDisplay = masterDisplay(m)
			}
		case "Content light level metadata":
			var m struct {
				Content int `json:"max_content"`
				Average int `json:"max_average"`
			}
			if json.Unmarshal(data, &m) == nil && m.Content > 0 {
				hdr.MaxCLL = fmt.Sprintf("%d,%d", m.Content, m.Average)
			}
		}
	}
	return rotation, hdr
}

// masterDisplay is empty unless all ten numbers are there: half of it means nothing.
func masterDisplay(m map[string]any) string {
	complete := true
	get := func(key string, unit float64) int64 {
		s, _ := m[key].(string)
		r := parseRational(s)
		if r.Den <= 0 || r.Num < 0 {
			complete = false
			return 0
		}
		return int64(math.Round(float64(r.Num) / float64(r.Den) * unit))
	}
	const xy, cd = 50000, 10000
	s := fmt.Sprintf("G(%d,%d)B(%d,%d)R(%d,%d)WP(%d,%d)L(%d,%d)",
		get("green_x", xy), get("green_y", xy), get("blue_x", xy), get("blue_y", xy), get("red_x", xy), get("red_y", xy),
		get("white_point_x", xy), get("white_point_y", xy), get("max_luminance", cd), get("min_luminance", cd))
	if !complete {
		return ""
	}
	return s
}
