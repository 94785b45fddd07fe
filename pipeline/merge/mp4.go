package merge

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// writeMP4 joins chunks and source with one ffmpeg pass. -copyts on both sides keeps every timestamp
// where it is; -strict lets ffmpeg 5.1 write FLAC and Opus, which MP4 has taken up since.
func writeMP4(ctx context.Context, tools media.Tools, req Request) error {
	source := req.Prepared.source
	list, err := concatList(req)
	if err != nil {
		return err
	}
	args := append([]string{"-copyts"}, media.Input(req.Source)...)
	// Without auto_convert 0 the payload of each key packet gets the stream's headers put in front.
	args = append(args, "-protocol_whitelist", "file", "-format_whitelist", "concat,matroska,mov",
		"-f", "concat", "-safe", "0", "-auto_convert", "0", "-i", media.URL(list))
	open, take, err := req.Prepared.chapters.input(filepath.Join(req.WorkDir, "chapters.txt"), 2, filmEnd(req.Plan))
	if err != nil {
		return err
	}
	args = append(append(args, open...), "-map", "1:v:0", "-c", "copy")
	args = slices.Concat(args, mp4Streams(source, req.Plan.Settings), videoOptions(source),
		encoder.MP4Tag(req.Plan.Settings))
	scale := strconv.FormatInt(timescale(req), 10)
	args = append(args, lastDuration(req.Plan)...)
	if date := recorded(source.Format.Tags); date != "" {
		args = append(args, "-metadata", "creation_time="+date)
	}
	args = slices.Concat(args, []string{"-map_metadata", "0"}, take, []string{"-strict", "experimental",
		"-video_track_timescale", scale, "-movie_timescale", scale, "-f", "mp4", media.URL(req.Out)})
	_, err = tools.RunFFmpeg(ctx, req.limits(), args...)
	return err
}

// lastDuration has the last frame shown as long as the source shows it. The track lasts as long as its packets in their
// order of decoding, the edit list up to the end of the frame that is shown last (movenc.c).
func lastDuration(plan *pipeline.Plan) []string {
	if plan.LastTicks == 0 {
		return nil
	}
	tb, first, final := plan.Video.TimeBase, plan.Chunks[0].PTS.All(), plan.Chunks[len(plan.Chunks)-1].PTS.All()
	last := final[len(final)-1]
	return []string{"-bsf:v:0",
		fmt.Sprintf(`setts=pts=PTS:dts=DTS:duration=if(eq(N\,%d)\,%.9f/TB-DTS+STARTDTS\,`+
			`if(gte(PTS*TB\,%.9f)\,%.9f/TB\,DURATION))`,
			plan.Frames-1, tb.Seconds(last+plan.LastTicks-first[0]), tb.Seconds(last)-tb.Seconds(1)/2,
			tb.Seconds(plan.LastTicks))}
}

// filmEnd is the moment up to which the last frame is shown, as far as that is known.
func filmEnd(plan *pipeline.Plan) time.Duration {
	final, shown := plan.Chunks[len(plan.Chunks)-1].PTS.All(), plan.LastTicks
	n := len(final)
	if shown == 0 && n > 1 { // it is shown as long as the one before
		shown = final[n-1] - final[n-2]
	}
	return time.Duration(plan.Video.TimeBase.Seconds(final[n-1]+shown) * float64(time.Second))
}

// timescale is the output's ticks a second: the source's own, so that no timestamp is rounded.
func timescale(req Request) int64 {
	if req.Plan.Timescale > 0 {
		return req.Plan.Timescale
	}
	return req.Plan.Video.TimeBase.Den
}

// concatList writes the list of chunks. "inpoint 0" and "duration 0" make ffmpeg's concat demuxer take
// each file's timestamps as they are; otherwise it sets them end to end.
func concatList(req Request) (string, error) {
	var b strings.Builder
	b.WriteString("ffconcat version 1.0\n")
	for _, path := range req.Results {
		if strings.ContainsAny(path, "\n\r") {
			return "", errors.New("ffmpeg's list of chunks can't hold a path with a line break")
		}
		fmt.Fprintf(&b, "file 'file:%s'\ninpoint 0\nduration 0\n", strings.ReplaceAll(path, "'", `'\''`))
	}
	name := filepath.Join(req.WorkDir, "chunks.txt")
	return name, os.WriteFile(name, []byte(b.String()), 0o600)
}

// mp4Streams selects what goes beside the video. Stream 0 of the output is the video.
func mp4Streams(source *media.File, set pipeline.Settings) (args []string) {
	streams, videos := 1, 1
	for _, s := range others(source) {
		f, n := fateOf(source, s, set), strconv.Itoa(streams)
		if !f.keep {
			continue
		}
		args = append(args, "-map", "0:"+strconv.Itoa(s.Index))
		if f.codec != "" {
			args = append(args, "-c:"+n, f.codec)
		}
		if f.rate != "" {
			args = append(args, "-b:"+n, f.rate)
		}
		if title := s.Tags["title"]; title != "" { // MP4's place for a track's name
			args = append(args, "-metadata:s:"+n, "handler_name="+title)
		}
		if s.AttachedPic() {
			args = append(args, "-disposition:v:"+strconv.Itoa(videos), "attached_pic")
		}
		if streams++; s.Type == "video" {
			videos++
		}
	}
	return args
}

// videoOptions carry what the chunks do not have: they are encoded without metadata. The rotation's
// matrix they do have.
func videoOptions(source *media.File) []string {
	video := source.Video()[0]
	var args []string
	if lang := video.Tags["language"]; lang != "" {
		args = append(args, "-metadata:s:v:0", "language="+lang)
	}
	if title := video.Tags["title"]; title != "" {
		args = append(args, "-metadata:s:v:0", "handler_name="+title)
	}
	return append(args, "-disposition:v:0", dispositions(video))
}

// dispositions writes a stream's flags as -disposition takes them.
func dispositions(s media.Stream) string {
	var on []string
	for _, name := range []string{"default", "dub", "original", "comment", "forced", "hearing_impaired", "visual_impaired",
		"descriptions"} {
		if s.Disposition[name] {
			on = append(on, name)
		}
	}
	if len(on) == 0 {
		return "0"
	}
	return strings.Join(on, "+")
}
