package media

import (
	"context"
	"errors"
	"io"
)

// Sample runs an ffmpeg that writes a film of one video stream as Matroska to its stdout. Of it the Clip has what
// stands before the first packet: the codec's name, the size, Extradata, and Head; of the packets only PTS. messages
// are ffmpeg's.
func (t Tools) Sample(ctx context.Context, limits Limits, args ...string) (c *Clip, messages string, err error) {
	c = &Clip{}
	command := Command{Program: t.FFmpeg, Args: append(args, "-f", "matroska", "pipe:1"), Limits: limits}
	messages, err = t.Pipe(ctx, command, func(r io.Reader) error {
		err := c.list(io.TeeReader(r, (*clipHead)(c)), nil)
		if err == nil || errors.Is(err, ErrUnusual) {
			_, err = io.Copy(io.Discard, r)
		}
		return err
	})
	return c, messages, err
}
