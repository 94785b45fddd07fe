package split

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// normalise copies a source into Matroska, where every packet gets a timestamp and an index. What
// Matroska can't hold is converted or left out, as the notes say.
func normalise(ctx context.Context, tools media.Tools, src *Source, path, norm string) (notes []string, err error) {
	for _, try := range tries(src) {
		out := append(append([]string{"-c", "copy"}, try.args...), "-dn", "-ignore_unknown", "-f", "matroska", media.URL(norm))
		err = try.run(ctx, tools, src, path, out)
		var exit *media.ExitError
		if err == nil {
			if try.note != "" {
				notes = append(notes, try.note)
			}
			return notes, nil
		}
		if fault := media.Fault(err); fault != "" {
			return nil, &pipeline.Refusal{Reason: fmt.Sprintf("The file can't be brought into Matroska: %s.", fault), Err: err}
		}
		if !errors.As(err, &exit) || strings.Contains(exit.Stderr, "No space left") {
			return nil, fmt.Errorf("cannot normalise the source: %w", err)
		}
	}
	return nil, &pipeline.Refusal{Reason: "The file has no usable index, and what is in it can't be brought into Matroska.", Err: err}
}

// try is one way to make the copy.
type try struct {
	run  func(ctx context.Context, tools media.Tools, src *Source, path string, out []string) error
	args []string
	note string
}

// tries lists the ways in their order, what keeps most first.
func tries(src *Source) []try {
	run := copyInto
	avi := src.demuxer("avi")
	if avi && src.Stream.Codec == "mpeg4" {
		run = unpackInto
	}
	all := []try{
		{run, nil, ""},
		{run, []string{"-c:a", "flac"}, "Matroska can't hold the sound as it is: it was converted to FLAC."},
		{run, []string{"-sn"}, "Matroska can't hold the file's subtitles: they are left out."},
		{run, []string{"-sn", "-c:a", "flac"}, "Matroska can't hold the sound and the subtitles as they are: sound was converted to FLAC, subtitles are left out."},
	}
	if _, _, ok := constantRate(src.Packets); ok && avi && src.Stream.Codec == "h264" {
		all = append(all, try{rebuildInto, nil, ""})
	}
	return append(all, try{run, []string{"-sn", "-an"}, "Matroska can't hold the file's sound, not converted either: sound and subtitles are left out."})
}

func copyInto(ctx context.Context, tools media.Tools, _ *Source, path string, out []string) error {
	args := append(append(media.Quiet(), "-fflags", "+genpts"), media.Input(path)...)
	args = append(append(args, "-map", "0"), out...)
	_, err := tools.Run(ctx, media.Command{Program: tools.FFmpeg, Args: args, Limits: media.Copying(media.Size(path))})
	return err
}

// unpackInto takes packed B-frames apart on the way (DivX put two pictures into one packet of an AVI
// and an empty one behind it). The missing timestamps must be made afterwards, and ffmpeg makes them
// where it reads, so that one ffmpeg unpacks and another reads what it writes.
func unpackInto(ctx context.Context, tools media.Tools, src *Source, path string, out []string) error {
	stream := strconv.Itoa(src.Stream.Index)
	unpack := append(append(media.Quiet(), media.Input(path)...),
		"-map", "0:"+stream, "-c", "copy", "-bsf:v", "mpeg4_unpack_bframes", "-f", "avi", "pipe:1")
	args := append(media.Quiet(), "-fflags", "+genpts", "-protocol_whitelist", "pipe", "-f", "avi", "-i", "pipe:0", "-fflags", "+genpts")
	args = append(append(args, media.Input(path)...), "-map", "0:v", "-map", "1", "-map", "-1:"+stream)
	return piped(ctx, tools, media.Size(path), unpack, append(args, out...))
}

// rebuildInto is for H.264 in AVI whose headers stand in the pictures alone: what stands in their place at
// the file's start is nothing that Matroska could be given. mkvmerge reads the bare stream, and finds the order
// in which its pictures are shown, which no timestamp in the AVI tells (ffmpeg would guess). The bare stream
// lies beside the copy and is swept with it.
func rebuildInto(ctx context.Context, tools media.Tools, src *Source, path string, out []string) error {
	norm := strings.TrimPrefix(out[len(out)-1], media.URL(""))
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
