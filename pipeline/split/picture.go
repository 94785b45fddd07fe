package split

import (
	"fmt"
	"slices"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
)

// decidePicture decides what the output's pictures are, and notes what the settings change about them. keep is the part
// of the source's pictures that is kept; the zero Rect: all. A size that the encoder does not take is refused; it would
// say so without saying what to do.
func decidePicture(plan *pipeline.Plan, options encoder.Options, keep pipeline.Rect) error {
	v, s := plan.Video, plan.Settings
	if v.Width <= 0 || v.Height <= 0 || v.PixFmt == "" {
		return pipeline.Refuse("The video can't be used: its size or pixel format can't be told, so nothing of it can be " +
			"decoded.")
	}
	out := &plan.Out
	*out = pipeline.Picture{Width: v.Width, Height: v.Height, PixFmt: options.PixFmt(v.PixFmt), SAR: v.SAR,
		Fields: sourceFields(v)}
	if s.Deinterlace == pipeline.MakeProgressive {
		deinterlace(plan)
	}
	out.Fields = options.Fields(out.Fields)
	if err := crop(plan, keep); err != nil {
		return err
	}
	w, h := options.Multiples(*out)
	fit(plan, w, h)
	if out.Width%w != 0 || out.Height%h != 0 {
		if err := even(plan, w, h); err != nil {
			return err
		}
	}
	if unfit := options.Unfit(v, *out); unfit != "" {
		return pipeline.Refuse("%s", unfit)
	}
	return nil
}

// deinterlace asks for it, also where the first pictures are progressive: film and video alternate in some
// recordings. Pictures that do not say they are interlaced are left alone.
func deinterlace(plan *pipeline.Plan) {
	if slices.Contains([]string{"av1", "vp8", "vp9"}, plan.Video.Codec) { // they have no fields
		return
	}
	if plan.Out.Fields != "" {
		plan.Note("The video is interlaced and is deinterlaced: each picture becomes one progressive picture at the same " +
			"time.")
	}
	plan.Out.Deinterlace, plan.Out.Fields = true, ""
}

// sourceFields is tff or bff for interlaced pictures, empty for progressive ones.
func sourceFields(v pipeline.Video) string {
	switch v.FieldOrder { // tb and bt name the order of coding first, that of display second
	case "tt", "bt":
		return "tff"
	case "bb", "tb":
		return "bff"
	}
	return ""
}

// fit makes pictures that do not fit into the profile's box as large as it allows, in square pixels. A side
// is a multiple of w or h, and even for whatever comes later. The box is for the pictures as they are
// coded: a rotation turns them afterwards.
func fit(plan *pipeline.Plan, w, h int) {
	box := plan.Settings.Scale
	if box == (pipeline.Scale{}) {
		return
	}
	out := &plan.Out
	was := *out
	shown := float64(out.Width)
	if out.SAR.Num > 0 && out.SAR.Den > 0 {
		shown *= float64(out.SAR.Num) / float64(out.SAR.Den)
	}
	factor := min(float64(box.Width)/shown, float64(box.Height)/float64(out.Height))
	const equal = 1e-9
	if coded := out.Width <= box.Width; factor > 1-equal && coded && (!box.Enlarge || factor < 1+equal) {
		return
	}
	if !box.Enlarge {
		factor = min(factor, 1)
	}
	out.Width = nearest(shown*factor, max(w, 2), box.Width)
	out.Height = nearest(float64(out.Height)*factor, max(h, 2), box.Height)
	out.SAR = pipeline.Rational{Num: 1, Den: 1}
	plan.Note("The pictures are scaled from %d×%d to %d×%d with square pixels (scale = %q).",
		was.Width, was.Height, out.Width, out.Height, box.String())
}

// nearest is the multiple of step that comes nearest to a length, and is not above limit.
func nearest(length float64, step, limit int) int {
	n := int(length/float64(step)+0.5) * step
	if n > limit {
		n -= step
	}
	return max(n, step)
}

// even cuts or fills up the picture where the profile says so: a line or a column, three lines at most.
func even(plan *pipeline.Plan, w, h int) error {
	out := &plan.Out
	was := [2]int{out.Width, out.Height}
	switch plan.Settings.Odd {
	case pipeline.CropOdd:
		out.Width, out.Height = out.Width/w*w, out.Height/h*h
	case pipeline.PadOdd:
		out.Width, out.Height = (out.Width+w-1)/w*w, (out.Height+h-1)/h*h
	default:
		return pipeline.Refuse("The picture is %d×%d, and %s needs a width and height that %s: set odd = \"crop\" or odd = "+
			"\"pad\" in the profile%s.", was[0], was[1], kind(*out), divisible(w, h), anySize(plan.Settings.Encoder))
	}
	if out.Width == 0 || out.Height == 0 {
		return pipeline.Refuse("The picture is %d×%d: nothing would be left of it.", was[0], was[1])
	}
	out.Edge = string(plan.Settings.Odd)
	plan.Note("The picture is %d×%d, which %s does not take: it comes out as %d×%d (odd = %q).",
		was[0], was[1], kind(*out), out.Width, out.Height, out.Edge)
	return nil
}

// anySize says with which options an encoder takes any size, as the end of a sentence.
func anySize(name string) string {
	if e, err := encoder.Named(name); err == nil && e.AnySize() != "" {
		return ", or encode it as 4:4:4 (" + e.AnySize() + ")"
	}
	return ""
}

func kind(out pipeline.Picture) string {
	if out.Fields != "" {
		return "interlaced " + out.PixFmt
	}
	return out.PixFmt
}

func divisible(w, h int) string {
	if w == h {
		return fmt.Sprintf("%d divides", w)
	}
	return fmt.Sprintf("%d and %d divide", w, h)
}
