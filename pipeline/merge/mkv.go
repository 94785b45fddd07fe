package merge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// writeMatroska joins the chunks, everything else of the source and the plan's timestamps with one
// mkvmerge pass, then states the frame rates and CodecDelay.
func writeMatroska(ctx context.Context, tools media.Tools, req Request) error {
	source, side, sound, times := req.Prepared.source, req.Prepared.side, req.Prepared.sound, req.Prepared.times
	args, err := mkvArgs(req, source, side, sound, times)
	if err != nil {
		return err
	}
	options := filepath.Join(req.WorkDir, "mkvmerge.json") // no limit on length, no quoting
	text, err := json.Marshal(args)
	if err != nil {
		return err
	}
	if err := os.WriteFile(options, text, 0o600); err != nil {
		return err
	}
	if err := runMKV(ctx, tools, req.limits(), tools.MKVMerge, "@"+options); err != nil {
		return blameSource(err, req.Source)
	}
	return setDurations(ctx, tools, req, source, side, sound, times)
}

// runMKV runs one of mkvtoolnix's programs. Their messages go to stdout. Status 1 is a "warning" that
// hides chunks which do not fit one another: an error here.
func runMKV(ctx context.Context, tools media.Tools, limits media.Limits, program string, args ...string) error {
	var out strings.Builder
	_, err := tools.Run(ctx, media.Command{Program: program, Args: args, Stdout: &out, Limits: limits})
	if said := firstLines(out.String(), 3); err != nil && ctx.Err() == nil && said != "" {
		return fmt.Errorf("%w: %s", err, said)
	}
	return err
}

// blameSource says it in a person's words when mkvmerge's complaint names the source.
func blameSource(err error, source string) error {
	if !complains(err, source) {
		return err
	}
	return fmt.Errorf("%s: %w", damagedSource, err)
}

// damagedSource is what a person can do about one.
const damagedSource = "the source is damaged, and mkvmerge can't take over all that is in it; drop another copy, " +
	"or one that `mkvmerge -o mended.mkv FILE` made of this"

func complains(err error, source string) bool {
	var exit *media.ExitError
	return errors.As(err, &exit) && exit.Code == 1 && media.Blames(err) && strings.Contains(err.Error(), source)
}

// TryRest takes all but the video over from a Matroska source, into nothing. It tells at submission what mkvmerge
// would say in the end: it gives up on damage that decoders bear, and on text that is not UTF-8. The error then is
// a *pipeline.Refusal.
func TryRest(ctx context.Context, tools media.Tools, path string, f *media.File, set pipeline.Settings) error {
	if set.Container == containerMP4 {
		return nil
	}
	s, err := identify(ctx, tools, path)
	if err != nil {
		return err
	}
	args := append([]string{"-q", "--disable-lacing", "-o", os.DevNull}, s.exclusions(set)...)
	err = runMKV(ctx, tools, media.Copying(media.Size(path)), tools.MKVMerge, append(args, path)...)
	if complains(err, path) {
		if refused := refuseText(f, err.Error(), notUTF8[0], err); refused != nil {
			return refused
		}
		return &pipeline.Refusal{Reason: "T" + damagedSource[1:] + ".", Err: err}
	}
	return ctx.Err() // of anything else the merge will tell: a file of pictures alone leaves nothing to take over
}

func firstLines(text string, n int) string {
	lines := strings.SplitN(strings.TrimSpace(text), "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], " ")
}

// mkvArgs is mkvmerge's whole command. The first files are the video, chunk by chunk; then come the side and
// the sound that is encoded anew.
func mkvArgs(req Request, source *media.File, side *side, sound sound, times map[int]audioTimes) ([]string, error) {
	video := filepath.Join(req.WorkDir, "video.txt")
	if err := writeTimes(video, req); err != nil {
		return nil, err
	}
	// Laced audio blocks have one timestamp for many frames: players would compute the rest, off by 2 ms.
	args := []string{"-q", "--disable-lacing", "-o", req.Out}
	if req.Plan.Tick > 0 {
		args = append(args, "--timestamp-scale", strconv.FormatInt(req.Plan.Tick, 10))
	}
	args = append(args, side.global...)
	args = append(args, "--track-order", side.order(len(req.Results)))
	options, err := trackOptions(req, source, side)
	if err != nil {
		return nil, err
	}
	args = append(append(args, options...), "--timestamps", "0:"+video)
	if order, interlaced := fieldOrders[req.Plan.Out.Fields]; interlaced { // versions of ffmpeg state it differently
		args = append(args, "--field-order", "0:"+order)
	}
	for i, path := range req.Results {
		if i > 0 {
			args = append(args, "+")
		}
		// What the encode's muxer says of itself is nothing to keep.
		args = append(args, "--no-global-tags", "--no-track-tags", "--no-chapters", path)
	}
	for id, t := range times {
		args = append(args, "--timestamps", strconv.Itoa(id)+":"+t.file)
	}
	args = append(append(args, side.exclusions(req.Plan.Settings)...), side.path)
	options, err = sound.options(req, side)
	return append(args, options...), err
}

// fieldOrders are Matroska's (RFC 9559, FieldOrder).
var fieldOrders = map[string]string{"tff": "1", "bff": "6"}

// order is the output's order of tracks for mkvmerge; files is the number of the side's file.
func (s *side) order(files int) string {
	var order []string
	for _, t := range s.tracks {
		switch {
		case t.sound > 0:
			order = append(order, fmt.Sprintf("%d:%d", files+1, t.sound-1))
		case t.ID == s.video:
			order = append(order, "0:0")
		default:
			order = append(order, fmt.Sprintf("%d:%d", files, t.ID))
		}
	}
	return strings.Join(order, ",")
}

// writeTimes writes the plan's timestamps for mkvmerge.
func writeTimes(name string, req Request) error {
	b, last := timesHeader(), int64(0)
	for _, c := range req.Plan.Chunks {
		pts := c.PTS.All()
		if len(pts) > 0 && pts[0] < 0 {
			return errors.New("the video begins before zero, which Matroska can't hold")
		}
		if b = appendTimes(b, req.Plan.Video.TimeBase, pts, 0); len(pts) > 0 {
			last = pts[len(pts)-1]
		}
	}
	if lasts := req.Plan.LastTicks; lasts > 0 { // mkvmerge takes the time up to one more for the last frame's duration
		b = appendTimes(b, req.Plan.Video.TimeBase, []int64{last + lasts}, 0)
	}
	return os.WriteFile(name, b, 0o600)
}

func timesHeader() []byte { return []byte("# timestamp format v2\n") }

// appendTimes writes timestamps in milliseconds, one a line, each later by delay. mkvmerge reads them to
// the nanosecond and refuses any below zero.
func appendTimes(b []byte, tb pipeline.Rational, pts []int64, delay float64) []byte {
	for _, t := range pts {
		b = append(strconv.AppendFloat(b, max(0, tb.Seconds(t)*1000+delay), 'f', 6, 64), '\n')
	}
	return b
}

// setDurations states what mkvmerge has no option for or does not take together with timestamps: CodecDelay, the date
// of recording, the names of linked files, and the frames' nominal durations: the source's own; for a video from other
// containers its frame rate, where that is constant.
func setDurations(ctx context.Context, tools media.Tools, req Request, source *media.File, side *side, sound sound,
	times map[int]audioTimes) error {
	args := []string{"-q", req.Out}
	for i, t := range side.tracks {
		audio, retimed := times[t.ID]
		rate := t.text("default_duration")
		switch {
		case t.sound > 0:
			audio, rate = sound.tracks[t.sound-1].times, ""
		case !retimed && t.ID != side.video:
			continue
		case t.ID == side.video && !isMatroska(source):
			rate = nominal(source.Video()[0])
		}
		args = append(args, "--edit", "track:"+strconv.Itoa(i+1))
		switch {
		case rate == "" && t.text("codec_id") == "A_WAVPACK4": // the times of all but a block's first frame come of it
		case rate == "":
			args = append(args, "--delete", "default-duration")
		default:
			args = append(args, "--set", "default-duration="+rate)
		}
		if audio.delay != "" {
			args = append(args, "--set", "codec-delay="+audio.delay)
		}
	}
	args = append(args, "--edit", "info")
	for _, setting := range side.info {
		args = append(args, "--set", setting)
	}
	if date := recorded(source.Format.Tags); date != "" {
		args = append(args, "--set", "date="+date)
	} else {
		args = append(args, "--delete", "date") // of the merge, where people look for that of the recording
	}
	return runMKV(ctx, tools, req.limits(), tools.MKVPropEdit, args...)
}

// nominal is the duration of a frame in nanoseconds, empty where the rate varies.
func nominal(video media.Stream) string {
	r := video.FrameRate
	if !r.Valid() || r != video.BaseRate {
		return ""
	}
	return strconv.FormatInt((1e9*r.Den+r.Num/2)/r.Num, 10)
}
