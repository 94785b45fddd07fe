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
		"-vf", filters(plan, x264, in.trim), "-fps_mode", "passthrough", "-enc_time_base", "-1")
	out = append(out, x264.FFmpegArgs(params(plan.Video, x264)...)...)
	out = append(out, colours(plan, x264)...)
	return append(out, "-threads", strconv.Itoa(threads)), nil
}

// filters picks the chunk's frames and brings them into the output's size, pixel format and order of
// fields.
func filters(plan *pipeline.Plan, x264 media.X264, trim string) string {
	v := plan.Video
	scale := fmt.Sprintf("scale=w=%d:h=%d", v.Width, v.Height)
	if r := outRange(v, x264); r != "" {
		// Without it, swscale makes limited range of full range on the way to another pixel format.
		scale += ":out_range=" + r
	}
	if r := inRange(v); r != "" {
		scale += ":in_range=" + r
	}
	if media.RGB(v.PixFmt) {
		scale += ":out_color_matrix=bt709"
	}
	fields := fieldOrder(v, x264)
	if fields != "" {
		scale += ":interl=1" // chroma is resampled within a field
	}
	chain := []string{scale, "format=" + plan.PixFmt}
	if trim != "" {
		chain = append([]string{"trim=" + trim}, chain...)
	}
	if fields != "" {
		// ffmpeg sets x264's order of fields anew from each frame, whatever its parameters say.
		chain = append(chain, "setfield="+fields)
	}
	if sar := x264.Param("sar"); sar != "" {
		chain = append(chain, "setsar="+strings.Replace(sar, ":", "/", 1)) // the container has one too
	}
	return strings.Join(chain, ",")
}

// fieldOrder is tff or bff for interlaced pictures, empty for progressive ones. The user's word goes
// before the source's.
func fieldOrder(v pipeline.Video, x264 media.X264) string {
	switch {
	case x264.Has("tff"):
		return "tff"
	case x264.Has("bff"):
		return "bff"
	case x264.Has("no-tff", "fake-interlaced"):
		return ""
	}
	switch v.FieldOrder { // tb and bt name the order of coding first, that of display second
	case "tt", "bt":
		return "tff"
	case "bb", "tb":
		return "bff"
	}
	return ""
}

// inRange is the range of the source's values, tv or pc; empty where it does not say.
func inRange(v pipeline.Video) string {
	if v.ColorRange == "" && strings.HasPrefix(v.PixFmt, "yuvj") {
		return "pc"
	}
	if media.RGB(v.PixFmt) {
		return ""
	}
	return v.ColorRange
}

// outRange is the range of the output's values: what the user says, else the source's.
func outRange(v pipeline.Video, x264 media.X264) string {
	if x264.Range != "" {
		return x264.Range
	}
	if media.RGB(v.PixFmt) {
		return "tv"
	}
	return inRange(v)
}

// colours carries what the source says of its colours, for encoder and container, unless the user says
// otherwise. RGB has no matrix, and its conversion makes bt709.
func colours(plan *pipeline.Plan, x264 media.X264) (out []string) {
	v := plan.Video
	matrix := v.ColorSpace
	if media.RGB(v.PixFmt) {
		matrix = "bt709"
	}
	if fields := fieldOrder(v, x264); fields != "" {
		out = append(out, "-field_order", map[string]string{"tff": "tt", "bff": "bb"}[fields])
	}
	for _, o := range []struct{ name, value, param string }{
		{"-color_range", outRange(v, x264), ""}, {"-colorspace", matrix, "colormatrix"}, {"-color_trc", v.ColorTransfer, "transfer"},
		{"-color_primaries", v.ColorPrimary, "colorprim"}, {"-chroma_sample_location", v.ChromaLoc, "chromaloc"},
	} {
		if users := x264.Param(o.param); users != "" {
			o.value = ffmpegColour(users)
		}
		if o.value != "" {
			out = append(out, o.name, o.value)
		}
	}
	return out
}

// ffmpegColour maps x264's name to ffmpeg's where they differ. x264's chroma locations are counted from
// 0, ffmpeg's from 1.
func ffmpegColour(name string) string {
	switch name {
	case "undef":
		return "unknown"
	case "bt470m":
		return "gamma22"
	case "GBR":
		return "rgb"
	case "0", "1", "2", "3", "4", "5":
		return string(name[0] + 1)
	}
	return strings.ToLower(name)
}

// params are libx264's parameters that come from the source or from the work in chunks. What the user
// said goes before them.
func params(v pipeline.Video, x264 media.X264) []media.Param {
	out := []media.Param{
		// Headers that don't depend on the content, so that chunks can be joined.
		{Key: "stitchable", Value: "1"},
		// ffmpeg guesses it from the first packets, which differ between a piece and the source, and
		// it stands in the headers.
		{Key: "fps", Value: v.FrameRate.String()},
	}
	if v.SAR.Num > 0 && v.SAR.Den > 0 {
		out = append(out, media.Param{Key: "sar", Value: v.SAR.String()})
	}
	if fields := fieldOrder(v, x264); fields != "" {
		out = append(out, media.Param{Key: fields, Value: "1"})
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
