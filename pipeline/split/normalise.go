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
	run := copyInto
	if src.demuxer("avi") && src.Stream.Codec == "mpeg4" {
		run = unpackInto
	}
	for _, try := range []struct {
		args []string
		note string
	}{
		{nil, ""},
		{[]string{"-c:a", "flac"}, "Matroska can't hold the sound as it is: it was converted to FLAC."},
		{[]string{"-sn"}, "Matroska can't hold the file's subtitles: they are left out."},
		{[]string{"-sn", "-c:a", "flac"}, "Matroska can't hold the sound and the subtitles as they are: sound was converted to FLAC, subtitles are left out."},
	} {
		out := append(append([]string{"-c", "copy"}, try.args...), "-dn", "-ignore_unknown", "-f", "matroska", media.URL(norm))
		err = run(ctx, tools, src, path, out)
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
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot make a pipe: %w", err)
	}
	stream := strconv.Itoa(src.Stream.Index)
	unpack := append(append(media.Quiet(), media.Input(path)...),
		"-map", "0:"+stream, "-c", "copy", "-bsf:v", "mpeg4_unpack_bframes", "-f", "avi", "pipe:1")
	unpacked := make(chan error, 1)
	go func() {
		_, err := tools.Run(ctx, media.Command{Program: tools.FFmpeg, Args: unpack, Stdout: w, Limits: media.Copying(media.Size(path))})
		_ = w.Close() // the reader sees the end
		unpacked <- err
	}()
	args := append(media.Quiet(), "-fflags", "+genpts", "-protocol_whitelist", "pipe", "-f", "avi", "-i", "pipe:0", "-fflags", "+genpts")
	args = append(append(args, media.Input(path)...), "-map", "0:v", "-map", "1", "-map", "-1:"+stream)
	_, err = tools.Run(ctx, media.Command{Program: tools.FFmpeg, Args: append(args, out...), Stdin: r, Limits: media.Copying(2 * media.Size(path))})
	_ = r.Close() // the writer ends if the reader has not read all
	if first := <-unpacked; err == nil {
		err = first
	}
	return err
}
