package media

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/distenc/distenc/pipeline"
)

// pairs is what a comparison of two files goes by.
type pairs struct {
	graph   string // filters that bring [source] and [output] into one form
	output  Stream
	pixels  float64  // of a picture of either, at most
	remarks []string // what the filters do to the source's pictures
}

// pairing pairs frames by their numbers: that the timestamps agree is checked elsewhere, and containers round them.
// crop is the part of the source's pictures that the output shows; the zero Rect: all.
func (t Tools) pairing(ctx context.Context, source, output string, crop pipeline.Rect) (*pairs, error) {
	var videos [2]Stream
	for i, path := range []string{source, output} {
		f, err := t.Probe(ctx, path)
		if err != nil {
			return nil, err
		}
		if len(f.Video()) == 0 {
			return nil, fmt.Errorf("cannot compare pictures: %q has no video", path)
		}
		videos[i] = f.Video()[0]
	}
	src, out := videos[0], videos[1]
	head, err := t.Head(ctx, source, strconv.Itoa(src.Index), HeadPackets)
	if err != nil {
		return nil, err
	}
	if crop != (pipeline.Rect{}) && !crop.Within(src.Width, src.Height) {
		return nil, fmt.Errorf("cannot compare pictures: the source has %d×%d, of which %s can't have been kept", src.Width,
			src.Height, crop)
	}
	left, right, remarks := likewise(src, out, head.Interlaced, crop)
	const numbered = "settb=1/1000,setpts=N"
	return &pairs{
		graph:  fmt.Sprintf("[0:%d]%s,%s[source];[1:%d]%s%s[output];", src.Index, left, numbered, out.Index, numbered, right),
		output: out, pixels: float64(max(src.Width*src.Height, out.Width*out.Height)), remarks: remarks,
	}, nil
}

// likewise makes filters for the source's pictures that do what was done to the output's, and filters for both
// where the output's has been cropped or filled up by up to three lines or columns.
func likewise(src, out Stream, interlaced bool, kept pipeline.Rect) (source, output string, remarks []string) {
	fields := out.FieldOrder != "" && out.FieldOrder != "progressive"
	scale := func(w, h int) string {
		s := fmt.Sprintf("scale=w=%d:h=%d", w, h)
		if fields || interlaced {
			s += ":interl=1"
		}
		return s
	}
	if interlaced && !fields {
		source, interlaced = scale(src.Width, src.Height)+",bwdif=mode=send_frame:deint=interlaced,", false
		remarks = append(remarks, "The source's pictures were deinterlaced to be compared: what that loses is not measured.")
	}
	if kept != (pipeline.Rect{}) {
		source += scale(src.Width, src.Height) + "," + CropFilter(kept) + ","
		src.Width, src.Height = kept.Width, kept.Height
		remarks = append(remarks, fmt.Sprintf("Of the source's pictures %d×%d were compared, from %d, %d on: the "+
			"part that was kept.", kept.Width, kept.Height, kept.X, kept.Y))
	}
	w, h, crop := out.Width, out.Height, ""
	switch dw, dh := src.Width-w, src.Height-h; {
	case dw == 0 && dh == 0:
	case max(dw, -dw, dh, -dh) <= mostEdge:
		w, h, crop = src.Width, src.Height, fmt.Sprintf(",crop=w=%d:h=%d:x=0:y=0", min(w, src.Width)&^1,
			min(h, src.Height)&^1)
		remarks = append(remarks, "Of a picture whose edge was cropped or filled up, what source and output both have was "+
			"compared.")
	default:
		remarks = append(remarks, fmt.Sprintf("The source's pictures were scaled to %d×%d to be compared: what that loses "+
			"is not measured.", w, h))
		if kept == (pipeline.Rect{}) && otherShape(src, out) {
			remarks = append(remarks, "The output has another shape than its source: if a part was cut off, name the job's "+
				"certificate.json with --certificate, or its profile with --profile where that says which.")
		}
	}
	source += scale(w, h)
	if out.ColorRange != "" {
		source += ":out_range=" + out.ColorRange
	}
	if RGB(src.PixFmt) {
		source += ":out_color_matrix=bt709"
	}
	return source + ",format=" + out.PixFmt + crop, crop, remarks
}

// CropFilter is ffmpeg's filter that keeps a part of pictures, also where their chroma can't be cut so.
func CropFilter(r pipeline.Rect) string {
	return fmt.Sprintf("crop=w=%d:h=%d:x=%d:y=%d:exact=1", r.Width, r.Height, r.X, r.Y)
}

// otherShape reports whether pictures would be distorted by scaling them to the other's size, more than by rounding.
func otherShape(a, b Stream) bool {
	shape := func(s Stream) float64 {
		ratio := float64(s.Width) / float64(max(s.Height, 1))
		if s.SAR.Valid() {
			ratio *= float64(s.SAR.Num) / float64(s.SAR.Den)
		}
		return ratio
	}
	return math.Abs(shape(a)/shape(b)-1) > 0.03
}

// mostEdge is how many lines or columns a picture loses or gains to become of even size, at most.
const mostEdge = 3
