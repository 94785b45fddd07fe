package encode

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// input is where an encode reads from.
type input struct {
	path   string
	stream int    // of the file
	seek   *int64 // ticks of the source; nil: from the start
	trim   string // trim filter's arguments; empty: everything
	keep   string // trim filter's arguments behind the deinterlacer, which is given a picture more at both ends
	method string // for the record
	later  bool   // the film does not begin here
}

// args is the whole command line for ffmpeg, but for progress and output.
//
// reinit_filter 0 keeps the filters when the picture's size or format changes within the stream; they
// would be set up anew otherwise and trim would begin to count again. scale brings such pictures to the
// plan's size, and does nothing to all others.
func args(plan *pipeline.Plan, in input, threads int) ([]string, error) {
	x264, err := encoder.ParseX264(plan.Settings.X264)
	if err != nil {
		return nil, &pipeline.Refusal{Reason: fmt.Sprintf("The settings can't be used: %v.", err), Err: err}
	}
	out := append(media.Quiet(), "-threads", strconv.Itoa(threads), "-copyts", "-noautorotate", "-reinit_filter", "0")
	if in.seek != nil {
		out = append(out, media.SeekArgs(plan.Video.TimeBase.Seconds(*in.seek))...)
	}
	out = append(out, media.Input(in.path)...)
	out = append(out, "-map", "0:"+strconv.Itoa(in.stream), "-map_metadata", "-1", "-map_chapters", "-1",
		"-vf", filters(plan, x264, in), "-fps_mode", "passthrough",
		"-enc_time_base", strings.ReplaceAll(plan.Video.TimeBase.String(), "/", ":")) // as a word, versions spell it differently
	out = append(out, x264.FFmpegArgs(params(plan, x264, in)...)...)
	out = append(out, described(plan, x264)...)
	return append(out, "-threads", strconv.Itoa(threads)), nil
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
func outRange(v pipeline.Video, x264 encoder.X264) string {
	if x264.Range != "" {
		return x264.Range
	}
	if media.RGB(v.PixFmt) {
		return "tv"
	}
	return inRange(v)
}

// colours is what the source says of its colours, unless the user says otherwise. RGB has no matrix, and its conversion
// makes bt709.
func colours(v pipeline.Video, x264 encoder.X264) media.Colours {
	matrix, place := v.ColorSpace, v.ChromaLoc
	if media.RGB(v.PixFmt) {
		matrix = "bt709"
	}
	if n := x264.Param("chromaloc"); n != "" {
		place = media.X264ChromaPlace(n)
	}
	return media.ColoursOf(cmp.Or(x264.Param("colorprim"), v.ColorPrimary), cmp.Or(x264.Param("transfer"), v.ColorTransfer),
		cmp.Or(x264.Param("colormatrix"), matrix), place)
}

// described are the options by which encoder and container are told of colours and fields.
func described(plan *pipeline.Plan, x264 encoder.X264) (out []string) {
	c := colours(plan.Video, x264)
	for _, o := range [][2]string{
		{"-field_order", map[string]string{"tff": "tt", "bff": "bb"}[plan.Out.Fields]}, {"-color_range", outRange(plan.Video, x264)}, {"-colorspace", c.Matrix},
		{"-color_trc", c.Transfer}, {"-color_primaries", c.Primaries}, {"-chroma_sample_location", c.ChromaPlace},
	} {
		if o[1] != "" {
			out = append(out, o[0], o[1])
		}
	}
	return out
}

// params are libx264's parameters that come from the source or from the work in chunks. What the user
// said goes before them.
func params(plan *pipeline.Plan, x264 encoder.X264, in input) []encoder.Param {
	v := plan.Video
	out := []encoder.Param{
		// Headers that don't depend on the content, so that chunks can be joined.
		{Key: "stitchable", Value: "1"},
		// ffmpeg guesses it from the first packets, which differ between a piece and the source, and
		// it stands in the headers.
		{Key: "fps", Value: v.FrameRate.String()},
	}
	if sar := plan.Out.SAR; sar.Num > 0 && sar.Den > 0 {
		out = append(out, encoder.Param{Key: "sar", Value: sar.String()})
	}
	if plan.Out.Fields != "" {
		out = append(out, encoder.Param{Key: plan.Out.Fields, Value: "1"})
	}
	if ratio := x264.IPRatio(); in.later && ratio > 0 {
		// With mbtree, x264 gives the first I frame of a stream the quantizer of a P frame, and all later ones
		// a finer one by this factor (measured: 2.9 steps at crf, for each preset with mbtree). In one whole encode this
		// would be a later one. Without mbtree it changes nothing.
		out = append(out, encoder.Param{Key: "zones", Value: fmt.Sprintf("0,0,b=%g", ratio)})
	}
	if v.MasterDisplay != "" {
		out = append(out, encoder.Param{Key: "mastering-display", Value: v.MasterDisplay})
	}
	if v.MaxCLL != "" {
		out = append(out, encoder.Param{Key: "cll", Value: v.MaxCLL})
	}
	return out
}

// container is the output's format: a chunk keeps the source's absolute timestamps, in ticks that
// don't round them.
func container(plan *pipeline.Plan, path string) []string {
	muxer := "matroska"
	if plan.Muxer == "mp4" {
		muxer = plan.Muxer
	}
	out := []string{"-avoid_negative_ts", "disabled", "-f", muxer}
	if muxer == "mp4" && plan.Timescale > 0 {
		scale := strconv.FormatInt(plan.Timescale, 10)
		out = append(out, "-video_track_timescale", scale, "-movie_timescale", scale)
	}
	return append(out, media.URL(path))
}
