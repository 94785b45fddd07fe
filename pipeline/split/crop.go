package split

import (
	"context"
	"fmt"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// firstPicture decides what the output's pictures are, as far as that is known before the film was analysed: what can't
// be encoded at all is refused before.
func firstPicture(plan *pipeline.Plan, options encoder.Options) error {
	plan.Analysis = plan.Settings.First()
	notes := len(plan.Notes)
	err := decidePicture(plan, options, plan.Settings.Crop.Rect)
	if plan.Analysis == pipeline.Bars {
		plan.Notes = plan.Notes[:notes] // they are for Cropped to make
	}
	return err
}

// smallest is the part of a side that must be left for black to be taken for bars. What shows less is a film of dark
// pictures; of a tall phone's picture in a wide one a quarter is left.
const smallest = 5

// Cropped decides the output's pictures once it is known which part of the source's is lit anywhere in the film; the
// zero Rect: none. The error is a *pipeline.Refusal if what is left can't be encoded.
func Cropped(ctx context.Context, tools media.Tools, plan *pipeline.Plan, lit pipeline.Rect, path string,
	test func(ctx context.Context, tools media.Tools, plan *pipeline.Plan, path string) (string, error)) error {
	_, options, err := encoder.Of(plan.Settings)
	if err != nil {
		return err
	}
	v := plan.Video
	whole := pipeline.Rect{Width: v.Width, Height: v.Height}
	keep := outward(lit, whole, grid(plan.Out, v, options))
	switch {
	case lit == pipeline.Rect{}:
		plan.Note("All of the film is dark, so that nothing tells bars from pictures: nothing is cut off (crop = \"auto\").")
		keep = pipeline.Rect{}
	case keep.Width*smallest < v.Width || keep.Height*smallest < v.Height:
		plan.Note("Only %d×%d of the %d×%d pixels are ever lit, which is too little to take the rest for bars: nothing is "+
			"cut off (crop = \"auto\").", keep.Width, keep.Height, v.Width, v.Height)
		keep = pipeline.Rect{}
	case keep == whole:
		plan.Note("The film has no black bars that all of it shows: nothing is cut off (crop = \"auto\").")
		keep = pipeline.Rect{}
	}
	if err := decidePicture(plan, options, keep); err != nil {
		return err
	}
	plan.Encoder, err = test(ctx, tools, plan, path)
	return err
}

// steps are the distances at which pictures can be cut without moving their chroma or mixing their fields.
type steps struct{ x, y int }

// grid finds the steps for a source whose pictures become out.
func grid(out pipeline.Picture, v pipeline.Video, options encoder.Options) steps {
	x, y := encoder.ChromaSize(v.PixFmt)
	if ow, oh := encoder.ChromaSize(out.PixFmt); ow*oh > x*y {
		x, y = ow, oh
	}
	if out.Fields != "" {
		y *= 2
	}
	w, h := options.Multiples(out)
	return steps{max(x, w), max(y, h)}
}

// outward moves the edges of a part to the next step, so that nothing of it is lost.
func outward(r, whole pipeline.Rect, by steps) pipeline.Rect {
	x, y := r.X/by.x*by.x, r.Y/by.y*by.y
	right, bottom := (r.X+r.Width+by.x-1)/by.x*by.x, (r.Y+r.Height+by.y-1)/by.y*by.y
	return pipeline.Rect{Width: min(right, whole.Width) - x, Height: min(bottom, whole.Height) - y, X: x, Y: y}
}

// crop keeps a part of the pictures.
func crop(plan *pipeline.Plan, keep pipeline.Rect) error {
	v, out, asked := plan.Video, &plan.Out, plan.Settings.Crop
	if keep == (pipeline.Rect{}) {
		return nil
	}
	if !keep.Within(v.Width, v.Height) {
		return pipeline.Refuse("The pictures are %d×%d, and crop = %q wants %d×%d of them, from %d, %d on: that is more "+
			"than they have.", v.Width, v.Height, asked, keep.Width, keep.Height, keep.X, keep.Y)
	}
	by, moved := steps{1, 1}, ""
	by.x, by.y = encoder.ChromaSize(v.PixFmt)
	if out.Fields != "" {
		by.y *= 2
	}
	if x, y := keep.X/by.x*by.x, keep.Y/by.y*by.y; x != keep.X || y != keep.Y {
		keep.X, keep.Y = x, y
		moved = fmt.Sprintf("; the edge was moved, since %s can be cut at %s alone", source(v, *out), places(by))
	}
	out.Crop, out.Width, out.Height = keep, keep.Width, keep.Height
	if keep.Width == v.Width && keep.Height == v.Height {
		out.Crop = pipeline.Rect{}
		return nil
	}
	plan.Note("Of the %d×%d pictures %d×%d are kept, from %d, %d on (crop = %q%s).",
		v.Width, v.Height, keep.Width, keep.Height, keep.X, keep.Y, asked, moved)
	return nil
}

// source says of what kind the source's pictures are.
func source(v pipeline.Video, out pipeline.Picture) string {
	if out.Fields != "" {
		return "interlaced " + v.PixFmt
	}
	return v.PixFmt
}

// places says where pictures can be cut.
func places(by steps) string {
	if by.x == by.y {
		return fmt.Sprintf("multiples of %d", by.x)
	}
	return fmt.Sprintf("multiples of %d across and %d down", by.x, by.y)
}
