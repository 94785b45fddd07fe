package encode

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// filters picks the chunk's frames and brings them into the output's size, pixel format and order of
// fields.
func filters(plan *pipeline.Plan, look encoder.Look, in input) string {
	v, out := plan.Video, plan.Out
	interlaced := out.Deinterlace || out.Fields != ""
	var chain []string
	if in.trim != "" {
		chain = append(chain, "trim="+in.trim)
	}
	if !media.Scaled(v.ColorSpace) && !media.RGB(v.PixFmt) { // it is stated again in the end
		chain = append(chain, "setparams=colorspace=unknown")
	}
	cropped := out.Crop != (pipeline.Rect{})
	if out.Deinterlace || out.Edge == "crop" || cropped { // these want all pictures to be of the first one's size
		chain = append(chain, scale(v.Width, v.Height, inRange(v), inRange(v), interlaced))
	}
	if out.Deinterlace {
		chain = append(chain, deinterlace(in.keep)...)
	}
	kept := out.Kept(v)
	if cropped { // behind the deinterlacer, which would take what is cut off for a part of the edge
		chain = append(chain, media.CropFilter(kept))
	}
	w, h := out.Width, out.Height
	switch out.Edge {
	case "crop":
		chain = append(chain, media.CropFilter(pipeline.Rect{Width: w, Height: h}))
	case "pad":
		w, h = kept.Width, kept.Height
	}
	convert := scale(w, h, inRange(v), outRange(v, look), out.Fields != "")
	if media.RGB(v.PixFmt) {
		convert += ":out_color_matrix=bt709"
	}
	chain = append(chain, convert, "format="+out.PixFmt)
	if out.Edge == "pad" {
		chain = append(chain, pad(kept, out))
	}
	// ffmpeg takes the container's and the encoder's order of fields from the frames, whatever its parameters say.
	chain = append(chain, "setfield="+cmp.Or(out.Fields, "prog"))
	// Said for every picture: scale gives those of another size one that makes up for it, and some encoders write what
	// the first one has into their headers, which then differ from the other chunks'. The container has one too.
	if sar := cmp.Or(look.SAR, out.SAR.String()); look.SAR != "" || out.SAR.Valid() {
		chain = append(chain, "setsar=sar="+sar+":max="+maxSAR)
	}
	if in.part != "" {
		chain = append(chain, in.part)
	}
	return strings.Join(chain, ",") + look.Colours(v).Filter(outRange(v, look))
}

// maxSAR is the largest number that stands in an aspect ratio (16 bits in H.264 and HEVC). setsar would round all above
// 100.
const maxSAR = "65535"

// scale brings pictures to a size. Interlaced ones are resampled within each field. Without the ranges,
// swscale makes limited range of full range on the way to another pixel format.
func scale(width, height int, from, to string, interlaced bool) string {
	s := fmt.Sprintf("scale=w=%d:h=%d", width, height)
	if to != "" {
		s += ":out_range=" + to
	}
	if from != "" {
		s += ":in_range=" + from
	}
	if interlaced {
		s += ":interl=1"
	}
	return s
}

// deinterlace makes one progressive picture of each interlaced one, at its own time. bwdif looks at the
// pictures before and behind: chunks are given one of each, which keep drops again.
func deinterlace(keep string) []string {
	chain := []string{"bwdif=mode=send_frame:deint=interlaced"}
	if keep != "" {
		chain = append(chain, "trim="+keep)
	}
	return chain
}

// pad fills a picture up at the right and at the bottom by repeating its last column and line, which costs
// nothing and does not shine. Each plane is filled up for itself: on subsampled formats ffmpeg's pad first
// cuts an odd column off.
func pad(kept pipeline.Rect, out pipeline.Picture) string {
	subW, subH := encoder.ChromaSize(out.PixFmt)
	fill := func(subW, subH int) string {
		w, h := out.Width/subW, out.Height/subH
		return fmt.Sprintf("pad=w=%d:h=%d:x=0:y=0,fillborders=right=%d:bottom=%d:mode=smear",
			w, h, w-ceil(kept.Width, subW), h-ceil(kept.Height, subH))
	}
	if subW == 1 {
		return fill(1, 1)
	}
	return fmt.Sprintf("extractplanes=y+u+v[y][u][v];[y]%s[y2];[u]%s[u2];[v]%s[v2];"+
		"[y2][u2][v2]mergeplanes=map0s=0:map1s=1:map2s=2:format=%s",
		fill(1, 1), fill(subW, subH), fill(subW, subH), out.PixFmt)
}

func ceil(a, b int) int { return (a + b - 1) / b }
