package split

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// normalise copies a source into Matroska, where every packet gets a timestamp and an index. Streams that
// Matroska can't hold are converted or left out, each for itself, as the notes say.
func normalise(ctx context.Context, tools media.Tools, src *Source, path, norm string) (notes []string, err error) {
	c := &copying{tools: tools, src: src, file: src.File, path: path, norm: norm}
	if src.demuxer("mpeg") || src.demuxer("mpegts") {
		c.deep = media.Deep()
		if c.file, err = tools.Probe(ctx, path, c.deep...); err != nil {
			return nil, unreadable(err, "ffmpeg can't read it as a video")
		}
	}
	if _, bare := bareStreams[src.File.Format.Name]; bare {
		return []string{fmt.Sprintf("The file has no timestamps: its pictures are shown at the constant rate that the "+
			"stream states, or at 25 a second if it states none "+
			"(ffprobe finds %s).", strings.TrimSuffix(frameRate(src.Stream).String(), "/1"))}, stopped(c.timed(ctx, "", nil))
	}
	avi := src.demuxer("avi")
	copied := c.plain
	if avi && src.Stream.Codec == "mpeg4" {
		copied = c.unpacked
	}
	var clock *clock
	if c.deep != nil && jumps(src) {
		all, _ := planStreams(c.file)
		if clock, err = readClock(ctx, tools, path, src.Stream, all); err != nil {
			return nil, unreadable(err, "its packets can't be read")
		}
		if clock != nil {
			copied = c.joined(clock)
		}
	}
	if notes, err = c.by(ctx, copied); clock != nil {
		notes = append(clock.notes(src.Stream), notes...)
	}
	if _, _, ok := constantRate(src.Packets); ok && avi && src.Stream.Codec == "h264" && unheld(err) {
		notes, err = c.rebuilt(ctx)
	}
	for _, kind := range c.late {
		notes = append(notes, fmt.Sprintf("A track (%s) that begins late in the file was not found in time and is left out.",
			kind))
	}
	return notes, stopped(err)
}

// copying is the way of a source into Matroska.
type copying struct {
	tools media.Tools
	src   *Source
	file  *media.File // with streams that begin late
	deep  []string    // options to find them
	path  string
	norm  string   // other files may be written whose names begin so
	late  []string // the kinds of streams that ffmpeg found only when it was copying
}

// way copies streams, of which the video is one, into dst.
type way func(ctx context.Context, streams []streamPlan, dst string) error

// by copies all streams one way, or all that Matroska can hold.
func (c *copying) by(ctx context.Context, copied way) (notes []string, err error) {
	all, notes := planStreams(c.file)
	if err = copied(ctx, all, media.URL(c.norm)); err == nil || !unheld(err) {
		return notes, err
	}
	if err := copied(ctx, []streamPlan{{Stream: c.src.Stream}}, nowhere); err != nil {
		return nil, err
	}
	held, said, err := c.sift(ctx, all)
	if err == nil {
		err = copied(ctx, held, media.URL(c.norm))
	}
	return append(notes, said...), err
}

// nowhere takes what is only tried: /dev/null, by way of Command.Stdout.
const nowhere = "pipe:1"

// unheld tells errors that may come of what a stream holds.
func unheld(err error) bool {
	return media.Blames(err) && media.Fault(err) == ""
}

// stopped says it in a person's words.
func stopped(err error) error {
	switch fault := media.Fault(err); {
	case err == nil:
		return nil
	case fault != "":
		return pipeline.Refuse("The file can't be brought into Matroska: %s.", fault).Because(err)
	case unheld(err):
		return pipeline.Refuse("The file has no usable index, and what is in it can't be brought into Matroska.").Because(err)
	}
	return fmt.Errorf("cannot normalise the source: %w", err)
}

// streamPlan is a stream on its way into Matroska.
type streamPlan struct {
	media.Stream
	to string // the codec that it is converted to; empty: copied
}

// animated are pictures that build on one another in ways that Matroska does not hold; what they become has all of
// their colours.
var animated = map[string]string{"gif": "ffv1", "apng": "ffv1"}

// planStreams are all streams that Matroska may hold, in file order, and a note on each of the others.
func planStreams(f *media.File) (all []streamPlan, notes []string) {
	for _, s := range f.Streams {
		if p := f.Foreign(s); p != nil {
			notes = append(notes, fmt.Sprintf("%s is left out: it belongs to another program, %s", s.Describe(), p.Describe()))
		} else if slices.Contains([]string{"video", "audio", "subtitle"}, s.Type) {
			all = append(all, streamPlan{Stream: s, to: animated[s.Codec]})
		} else {
			notes = append(notes, s.Describe()+" is left out: it is neither sound nor picture nor text")
		}
	}
	return all, notes
}

// sift tries each stream but the video alone: as it is, then converted. The error is not about a stream.
func (c *copying) sift(ctx context.Context, all []streamPlan) (held []streamPlan, notes []string, err error) {
	for _, s := range all {
		if s.Index == c.src.Stream.Index {
			held = append(held, s)
			continue
		}
		err := error(nil)
		for _, s.to = range map[string][]string{"audio": {"", "flac"}, "subtitle": {"", "subrip"}, "video": {""}}[s.Type] {
			if err = c.plain(ctx, []streamPlan{s}, nowhere); err == nil || !unheld(err) {
				break
			}
		}
		switch {
		case err != nil && !unheld(err):
			return nil, nil, err
		case err != nil:
			notes = append(notes, s.Describe()+" is left out: Matroska can't hold it")
			continue
		case s.to != "":
			notes = append(notes, fmt.Sprintf("%s becomes %s: Matroska can't hold it as it is", s.Describe(), s.to))
		}
		held = append(held, s)
	}
	return held, notes, nil
}

// mapped are ffmpeg's options for streams of an input; first is how many are in the output before them.
func mapped(input, first int, streams []streamPlan) (args []string) {
	for i, s := range streams {
		args = append(args, "-map", fmt.Sprintf("%d:%d", input, s.Index))
		if s.to != "" {
			args = append(args, fmt.Sprintf("-c:%d", first+i), s.to)
		}
	}
	return args
}

func (c *copying) limits() media.Limits {
	size := 2 * media.Size(c.path)
	if v := c.src.Stream; animated[v.Codec] != "" {
		size += int64(v.Width) * int64(v.Height) * int64(c.src.Packets.Len())
	}
	return media.Copying(size)
}

func (c *copying) plain(ctx context.Context, streams []streamPlan, dst string) error {
	args := slices.Concat([]string{"-fflags", "+genpts"}, c.deep, media.Input(c.path), []string{"-c", "copy"},
		mapped(0, 0, streams))
	if animated[c.src.Stream.Codec] != "" {
		args = append(args, "-fps_mode", "passthrough", "-enc_time_base",
			strings.ReplaceAll(c.src.Stream.TimeBase.String(), "/", ":"))
	}
	args = append(args, "-f", "matroska", dst)
	stderr, err := c.tools.RunFFmpeg(ctx, c.limits(), args...)
	c.late = media.LateStreams(stderr)
	return err
}

// unpacked takes packed B-frames apart on the way (DivX put two pictures into one packet of an AVI
// and an empty one behind it). The missing timestamps must be made afterwards, and ffmpeg makes them
// where it reads, so that one ffmpeg unpacks and another reads what it writes.
func (c *copying) unpacked(ctx context.Context, streams []streamPlan, dst string) error {
	unpack := append(append(media.BaseArgs(), media.Input(c.path)...),
		"-map", "0:"+strconv.Itoa(c.src.Stream.Index), "-c", "copy", "-bsf:v", "mpeg4_unpack_bframes", "-f", "avi", "pipe:1")
	args := append(media.BaseArgs(), "-fflags", "+genpts", "-protocol_whitelist", "pipe", "-f", "avi", "-i", "pipe:0",
		"-fflags", "+genpts")
	// the pipe's muxer has tags of its own
	args = append(append(args, media.Input(c.path)...), "-map_metadata", "1", "-c", "copy", "-map", "0:v")
	rest := slices.DeleteFunc(slices.Clone(streams), func(s streamPlan) bool { return s.Index == c.src.Stream.Index })
	args = append(append(args, mapped(1, 1, rest)...), "-f", "matroska", dst)
	size := media.Size(c.path)
	_, err := c.tools.Pipe(ctx, media.Command{Program: c.tools.FFmpeg, Args: unpack, Limits: media.Copying(size)},
		func(r io.Reader) error {
			_, err := c.tools.Run(ctx, media.Command{Program: c.tools.FFmpeg, Args: args, Stdin: r,
				Limits: media.Copying(2 * size)})
			return err
		})
	return err
}

// rebuilt is for H.264 in AVI whose headers stand in the pictures alone: what stands in their place at
// the file's start is nothing that Matroska could be given. mkvmerge reads the bare stream, and finds the order
// in which its pictures are shown, which no timestamp in the AVI tells (ffmpeg would guess). The bare stream
// lies beside the copy and is swept with it.
//
// mkvmerge also cuts the sound into its frames anew, and what is no whole one, where the AVI was cut out of another, is
// left out.
func (c *copying) rebuilt(ctx context.Context) (notes []string, err error) {
	start, step, _ := constantRate(c.src.Packets)
	tb := c.src.Stream.TimeBase
	late := fmt.Sprintf("0:%d", (2000*start*tb.Num+tb.Den)/(2*tb.Den)) // milliseconds
	err = c.timed(ctx, "h264", []string{"--sync", late, "--default-duration",
		fmt.Sprintf("0:%d/%dp", tb.Den, tb.Num*step)}, "--no-video", c.path)
	if len(c.src.File.Streams) > 1 {
		notes = append(notes, "The sound's frames were found anew: parts of one at the start and the end of the file are "+
			"left out.")
	}
	return notes, err
}

// bareStreams are demuxers of nothing but pictures' bytes, and the muxers that write the same for mkvmerge.
var bareStreams = map[string]string{"h264": "h264", "hevc": "hevc", "mpegvideo": "mpeg2video", "obu": "obu"}

// timed lets mkvmerge find the order in which a bare stream's pictures are shown, and at what times. It reads what
// ffmpeg has written, and so takes a file for nothing else than ffmpeg did. muxer is empty for a file that is a bare
// stream.
func (c *copying) timed(ctx context.Context, muxer string, options []string, more ...string) error {
	muxer = cmp.Or(muxer, bareStreams[c.src.File.Format.Name])
	bare := c.norm + "." + muxer
	args := append(media.Input(c.path), "-map", "0:"+strconv.Itoa(c.src.Stream.Index), "-c", "copy", "-f", muxer,
		media.URL(bare))
	if _, err := c.tools.RunFFmpeg(ctx, c.limits(), args...); err != nil {
		return err
	}
	args = slices.Concat([]string{"-q", "-o", c.norm}, options, []string{bare}, more)
	_, err := c.tools.Run(ctx, media.Command{Program: c.tools.MKVMerge, Args: args, Limits: c.limits()})
	return err
}

// constantRate returns the first packet's time and the distance of all, in ticks, if it is the same for all.
func constantRate(p *media.Packets) (start, step int64, ok bool) {
	step = 1
	if p.Len() > 1 {
		step = p.DTS[1] - p.DTS[0]
	}
	for i := range p.Len() {
		if step <= 0 || p.DTS[i] != p.DTS[0]+int64(i)*step {
			return 0, 0, false
		}
	}
	return p.DTS[0], step, true
}
