package encode

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// input is where an encode reads from.
type input struct {
	path   string
	stream int    // of the file
	seek   *int64 // ticks of the source; nil: from the start
	trim   string // trim filter's arguments; empty: everything
	method string // for the record
}

// args is the whole command line for ffmpeg, but for progress and output.
//
// reinit_filter 0 keeps the filters when the picture's size or format changes within the stream; they
// would be set up anew otherwise and trim would begin to count again. scale brings such pictures to the
// plan's size, and does nothing to all others.
func args(plan *pipeline.Plan, in input, threads int) ([]string, error) {
	x264, err := media.ParseX264(plan.Settings.X264)
	if err != nil {
		return nil, &pipeline.Refusal{Reason: fmt.Sprintf("The settings can't be used: %v.", err), Err: err}
	}
	out := append(media.Quiet(), "-threads", strconv.Itoa(threads), "-copyts", "-noautorotate", "-reinit_filter", "0")
	if in.seek != nil {
		out = append(out, media.SeekArgs(plan.Video.TimeBase.Seconds(*in.seek))...)
	}
	out = append(out, media.Input(in.path)...)
	out = append(out, "-map", "0:"+strconv.Itoa(in.stream), "-map_metadata", "-1", "-map_chapters", "-1",
		"-vf", filters(plan, in.trim), "-fps_mode", "passthrough", "-enc_time_base", "-1")
	out = append(out, x264.FFmpegArgs(params(plan.Video)...)...)
	out = append(out, colours(plan)...)
	return append(out, "-threads", strconv.Itoa(threads)), nil
}

// filters picks the chunk's frames and brings them into the output's size and pixel format.
func filters(plan *pipeline.Plan, trim string) string {
	v := plan.Video
	scale := fmt.Sprintf("scale=w=%d:h=%d", v.Width, v.Height)
	if r := outRange(plan); r != "" {
		// Without it, swscale makes limited range of full range on the way to another pixel format.
		scale += ":out_range=" + r
		if !media.RGB(v.PixFmt) {
			scale += ":in_range=" + r
		}
	}
	if media.RGB(v.PixFmt) {
		scale += ":out_color_matrix=bt709"
	}
	if interlaced(v) {
		scale += ":interl=1" // chroma is resampled within a field
	}
	chain := []string{scale, "format=" + plan.PixFmt}
	if trim != "" {
		chain = append([]string{"trim=" + trim}, chain...)
	}
	return strings.Join(chain, ",")
}

func interlaced(v pipeline.Video) bool { return v.FieldOrder != "" && v.FieldOrder != "progressive" }

// outRange is the range of the output's values, tv or pc; empty where the source does not say.
func outRange(plan *pipeline.Plan) string {
	v := plan.Video
	switch {
	case media.RGB(v.PixFmt):
		return "tv"
	case v.ColorRange == "" && strings.HasPrefix(v.PixFmt, "yuvj"):
		return "pc"
	}
	return v.ColorRange
}

// colours carries what the source says of its colours. RGB has no matrix, and its conversion makes
// bt709.
func colours(plan *pipeline.Plan) (out []string) {
	v := plan.Video
	matrix := v.ColorSpace
	if media.RGB(v.PixFmt) {
		matrix = "bt709"
	}
	for _, o := range []struct{ name, value string }{
		{"-color_range", outRange(plan)}, {"-colorspace", matrix}, {"-color_trc", v.ColorTransfer},
		{"-color_primaries", v.ColorPrimary}, {"-chroma_sample_location", v.ChromaLoc},
	} {
		if o.value != "" {
			out = append(out, o.name, o.value)
		}
	}
	return out
}

// params are libx264's parameters that come from the source or from the work in chunks. What the user
// said goes before them.
func params(v pipeline.Video) []media.Param {
	out := []media.Param{
		// Headers that don't depend on the content, so that chunks can be joined.
		{Key: "stitchable", Value: "1"},
		// ffmpeg guesses it from the first packets, which differ between a piece and the source, and
		// it stands in the headers.
		{Key: "fps", Value: v.FrameRate.String()},
	}
	if v.SAR.Num > 0 && v.SAR.Den > 0 {
		out = append(out, media.Param{Key: "sar", Value: fmt.Sprintf("%d/%d", v.SAR.Num, v.SAR.Den)})
	}
	// ffmpeg's interlaced flags alone leave the field order to x264's guess. tb and bt name the order
	// of coding first, that of display second.
	switch v.FieldOrder {
	case "tt", "bt":
		out = append(out, media.Param{Key: "tff", Value: "1"})
	case "bb", "tb":
		out = append(out, media.Param{Key: "bff", Value: "1"})
	}
	if v.MasterDisplay != "" {
		out = append(out, media.Param{Key: "mastering-display", Value: v.MasterDisplay})
	}
	if v.MaxCLL != "" {
		out = append(out, media.Param{Key: "cll", Value: v.MaxCLL})
	}
	return out
}

// container is the output's format: a chunk keeps the source's absolute timestamps, in ticks that
// don't round them.
func container(plan *pipeline.Plan, path string) []string {
	out := []string{"-avoid_negative_ts", "disabled", "-f", plan.Muxer}
	if plan.Timescale > 0 {
		scale := strconv.FormatInt(plan.Timescale, 10)
		out = append(out, "-video_track_timescale", scale, "-movie_timescale", scale)
	}
	return append(out, media.URL(path))
}
