package split

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// normalise copies a source into Matroska, where every packet gets a timestamp and an index. Streams that
// Matroska can't hold are converted or left out, each for itself, as the notes say.
func normalise(ctx context.Context, tools media.Tools, src *Source, path, norm string) (notes []string, err error) {
	copyAll := copyInto
	avi := src.demuxer("avi")
	if avi && src.Stream.Codec == "mpeg4" {
		copyAll = unpackInto
	}
	all, notes := carriable(src.File)
	err = copyAll(ctx, tools, src, path, all, media.URL(norm))
	if err == nil || !unheld(err) {
		return notes, stopped(err)
	}
	video := carried{Stream: src.Stream}
	if err = copyAll(ctx, tools, src, path, []carried{video}, nowhere); err == nil {
		var said []string
		if all, said, err = sift(ctx, tools, src, path, all); err == nil {
			err = copyAll(ctx, tools, src, path, all, media.URL(norm))
		}
		notes = append(notes, said...)
	} else if _, _, ok := constantRate(src.Packets); ok && avi && src.Stream.Codec == "h264" && unheld(err) {
		err = rebuildInto(ctx, tools, src, path, norm)
	}
	return notes, stopped(err)
}

// nowhere takes what is only tried: /dev/null, by way of Command.Stdout.
const nowhere = "pipe:1"

// unheld tells errors that may come of what a stream holds.
func unheld(err error) bool {
	var exit *media.ExitError
	return errors.As(err, &exit) && media.Fault(err) == "" && !strings.Contains(exit.Stderr, "No space left")
}

// stopped says it in a person's words.
func stopped(err error) error {
	switch fault := media.Fault(err); {
	case err == nil:
		return nil
	case fault != "":
		return &pipeline.Refusal{Reason: fmt.Sprintf("The file can't be brought into Matroska: %s.", fault), Err: err}
	case unheld(err):
		return &pipeline.Refusal{Reason: "The file has no usable index, and what is in it can't be brought into Matroska.", Err: err}
	}
	return fmt.Errorf("cannot normalise the source: %w", err)
}

// carried is a stream on its way into Matroska.
type carried struct {
	media.Stream
	to string // the codec that it is converted to; empty: copied
}

// carriable are all streams that Matroska may hold, in file order, and a note on each of the others.
func carriable(f *media.File) (all []carried, notes []string) {
	for _, s := range f.Streams {
		if slices.Contains([]string{"video", "audio", "subtitle"}, s.Type) {
			all = append(all, carried{Stream: s})
		} else {
			notes = append(notes, s.Describe()+" is left out: it is neither sound nor picture nor text")
		}
	}
	return all, notes
}

// sift tries each stream but the video alone: as it is, then converted. The error is not about a stream.
func sift(ctx context.Context, tools media.Tools, src *Source, path string, all []carried) (held []carried, notes []string, err error) {
	for _, c := range all {
		ways := map[string][]string{"audio": {"", "flac"}, "subtitle": {"", "subrip"}, "video": {""}}[c.Type]
		if c.Index == src.Stream.Index {
			held = append(held, c)
			continue
		}
		err := error(nil)
		for _, c.to = range ways {
			if err = copyInto(ctx, tools, src, path, []carried{c}, nowhere); err == nil || !unheld(err) {
				break
			}
		}
		switch {
		case err != nil && !unheld(err):
			return nil, nil, err
		case err != nil:
			notes = append(notes, c.Describe()+" is left out: Matroska can't hold it")
			continue
		case c.to != "":
			notes = append(notes, fmt.Sprintf("%s becomes %s: Matroska can't hold it as it is", c.Describe(), c.to))
		}
		held = append(held, c)
	}
	return held, notes, nil
}

// mapped are ffmpeg's options for streams of an input; first is how many are in the output before them.
func mapped(input, first int, streams []carried) (args []string) {
	for i, c := range streams {
		args = append(args, "-map", fmt.Sprintf("%d:%d", input, c.Index))
		if c.to != "" {
			args = append(args, fmt.Sprintf("-c:%d", first+i), c.to)
		}
	}
	return args
}

func copyInto(ctx context.Context, tools media.Tools, _ *Source, path string, streams []carried, dst string) error {
	args := append(append(media.Quiet(), "-fflags", "+genpts"), media.Input(path)...)
	args = append(append(append(args, "-c", "copy"), mapped(0, 0, streams)...), "-f", "matroska", dst)
	_, err := tools.Run(ctx, media.Command{Program: tools.FFmpeg, Args: args, Limits: media.Copying(media.Size(path))})
	return err
}

// unpackInto takes packed B-frames apart on the way (DivX put two pictures into one packet of an AVI
// and an empty one behind it). The missing timestamps must be made afterwards, and ffmpeg makes them
// where it reads, so that one ffmpeg unpacks and another reads what it writes.
func unpackInto(ctx context.Context, tools media.Tools, src *Source, path string, streams []carried, dst string) error {
	unpack := append(append(media.Quiet(), media.Input(path)...),
		"-map", "0:"+strconv.Itoa(src.Stream.Index), "-c", "copy", "-bsf:v", "mpeg4_unpack_bframes", "-f", "avi", "pipe:1")
	args := append(media.Quiet(), "-fflags", "+genpts", "-protocol_whitelist", "pipe", "-f", "avi", "-i", "pipe:0", "-fflags", "+genpts")
	args = append(append(args, media.Input(path)...), "-c", "copy", "-map", "0:v")
	rest := slices.DeleteFunc(slices.Clone(streams), func(c carried) bool { return c.Index == src.Stream.Index })
	return piped(ctx, tools, media.Size(path), unpack, append(append(args, mapped(1, 1, rest)...), "-f", "matroska", dst))
}

// rebuildInto is for H.264 in AVI whose headers stand in the pictures alone: what stands in their place at
// the file's start is nothing that Matroska could be given. mkvmerge reads the bare stream, and finds the order
// in which its pictures are shown, which no timestamp in the AVI tells (ffmpeg would guess). The bare stream
// lies beside the copy and is swept with it.
func rebuildInto(ctx context.Context, tools media.Tools, src *Source, path, norm string) error {
	bare, limits := norm+".h264", media.Copying(2*media.Size(path))
	args := append(append(media.Quiet(), media.Input(path)...), "-map", "0:"+strconv.Itoa(src.Stream.Index), "-c", "copy", "-f", "h264", media.URL(bare))
	if _, err := tools.Run(ctx, media.Command{Program: tools.FFmpeg, Args: args, Limits: limits}); err != nil {
		return err
	}
	start, step, _ := constantRate(src.Packets)
	tb := src.Stream.TimeBase
	late := fmt.Sprintf("0:%d", (2000*start*tb.Num+tb.Den)/(2*tb.Den)) // milliseconds
	args = []string{"-q", "-o", norm, "--sync", late, "--default-duration", fmt.Sprintf("0:%d/%dp", tb.Den, tb.Num*step), bare, "--no-video", path}
	_, err := tools.Run(ctx, media.Command{Program: tools.MKVMerge, Args: args, Limits: limits})
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

// piped runs two ffmpegs, the second of which reads what the first writes, about size bytes.
func piped(ctx context.Context, tools media.Tools, size int64, writer, reader []string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot make a pipe: %w", err)
	}
	written := make(chan error, 1)
	go func() {
		_, err := tools.Run(ctx, media.Command{Program: tools.FFmpeg, Args: writer, Stdout: w, Limits: media.Copying(size)})
		_ = w.Close() // the reader sees the end
		written <- err
	}()
	_, err = tools.Run(ctx, media.Command{Program: tools.FFmpeg, Args: reader, Stdin: r, Limits: media.Copying(2 * size)})
	_ = r.Close() // the writer ends if the reader has not read all
	if first := <-written; err == nil {
		err = first
	}
	return err
}
