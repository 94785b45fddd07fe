package encode

import (
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// input is where an encode reads from.
type input struct {
	path   string // absolute; empty: pictures made by ffmpeg
	stream int    // of the file
	seek   *int64 // ticks of the source; nil: from the start
	trim   string // trim filter's arguments; empty: everything
	keep   string // trim filter's arguments behind the deinterlacer, which is given a picture more at both ends
	method string // for the record
	later  bool   // the film does not begin here
	// what of the decoder's buffer may be counted on
	allowance pipeline.Allowance
	part      string // the last filter, which picks some of the chunk's pictures; empty: all
}

// args is the whole command line for ffmpeg, but for progress and output.
func args(plan *pipeline.Plan, options encoder.Options, in input, threads int) []string {
	out := decoding(plan, in, filters(plan, options.Look(), in), threads)
	// The word for the source's time base is spelt differently by versions of ffmpeg.
	out = append(out, "-map_metadata", "-1", "-map_chapters", "-1",
		"-enc_time_base", strings.ReplaceAll(plan.Video.TimeBase.String(), "/", ":"))
	out = append(out, options.Args(encoder.Stream{
		Video: plan.Video, Out: plan.Out, Timescale: plan.Timescale, Later: in.later, Threads: threads,
		Buffer: plan.Buffer, Allowance: in.allowance,
	})...)
	return append(out, described(plan, options.Look())...)
}

// decoding are the options that decode the source and send its pictures through filters.
func decoding(plan *pipeline.Plan, in input, filters string, threads int) []string {
	return append(reading(plan, in, threads), "-map", "0:"+strconv.Itoa(in.stream), "-vf", filters,
		"-fps_mode", "passthrough")
}

// reading are the options up to the source.
//
// reinit_filter 0 keeps the filters when the picture's size or format changes within the stream; they
// would be set up anew otherwise and trim would begin to count again. scale brings such pictures to the
// plan's size, and does nothing to all others.
func reading(plan *pipeline.Plan, in input, threads int) []string {
	out := append(media.BaseArgs(), "-threads", strconv.Itoa(threads), "-copyts", "-noautorotate", "-reinit_filter", "0")
	if in.seek != nil {
		out = append(out, media.SeekArgs(plan.Video.TimeBase.Seconds(*in.seek))...)
	}
	if in.path == "" {
		return append(out, "-f", "lavfi", "-i", madeUp)
	}
	return append(out, media.Input(in.path)...)
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
func outRange(v pipeline.Video, look encoder.Look) string {
	if look.Range != "" {
		return look.Range
	}
	if media.RGB(v.PixFmt) {
		return "tv"
	}
	return inRange(v)
}

// described are the options by which encoder and container are told of colours and fields.
func described(plan *pipeline.Plan, look encoder.Look) (out []string) {
	c := look.Colours(plan.Video)
	for _, o := range [][2]string{
		{"-field_order", map[string]string{"tff": "tt", "bff": "bb"}[plan.Out.Fields]},
		{"-color_range", outRange(plan.Video, look)}, {"-colorspace", c.Matrix},
		{"-color_trc", c.Transfer}, {"-color_primaries", c.Primaries}, {"-chroma_sample_location", c.ChromaPlace},
	} {
		if o[1] != "" {
			out = append(out, o[0], o[1])
		}
	}
	return out
}

// container is the output's format: a chunk keeps the source's absolute timestamps, in ticks that
// don't round them.
func container(plan *pipeline.Plan, path string) []string {
	out := []string{"-avoid_negative_ts", "disabled", "-f"}
	if plan.Muxer != "mp4" {
		return append(out, "matroska", media.URL(path))
	}
	out = append(out, "mp4")
	if plan.Timescale > 0 {
		ticks := strconv.FormatInt(plan.Timescale, 10)
		out = append(out, "-video_track_timescale", ticks, "-movie_timescale", ticks)
	}
	out = append(out, encoder.MP4Tag(plan.Settings)...)
	return append(out, media.URL(path))
}
