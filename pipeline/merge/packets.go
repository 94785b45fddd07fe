package merge

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/distenc/distenc/pipeline/media"
)

// packet is one packet of any stream as the demuxer gives it.
type packet struct {
	stream       int
	pts          int64 // ticks, media.NoPTS where there is none
	size         int
	key, discard bool
	crc          uint32 // CRC-32 of the payload: told apart here is damage, not malice
}

// readPackets reads a whole file once and hands every packet to take, in file order, in the caller's
// goroutine. An error of take ends the reading and is returned.
func readPackets(ctx context.Context, tools media.Tools, path string, take func(packet) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, w := io.Pipe()
	args := append([]string{"-v", "error", "-show_data_hash", "CRC32",
		"-show_entries", "packet=stream_index,pts,size,flags,data_hash", "-of", "default"}, media.Input(path)...)
	ended := make(chan error, 1)
	go func() {
		_, err := tools.Run(ctx, media.Command{Program: tools.FFprobe, Args: args, Stdout: w, Limits: media.Reading(media.Size(path))})
		_ = w.CloseWithError(err) // nil is io.EOF; always nil itself
		ended <- err
	}()
	err := scanPackets(r, take)
	if err != nil {
		cancel()
		_ = r.CloseWithError(err)
	}
	if runErr := <-ended; err == nil {
		err = runErr
	}
	if err != nil {
		return fmt.Errorf("cannot read the packets of %q: %w", path, err)
	}
	return nil
}

// scanPackets reads ffprobe's default form: [PACKET], a line "key=value" for each field, [/PACKET]. (In
// the compact form side data breaks the line before the hash.)
func scanPackets(r io.Reader, take func(packet) error) error {
	lines := bufio.NewScanner(r)
	p, side := noPacket, false
	for lines.Scan() {
		switch line := lines.Bytes(); {
		case bytes.Equal(line, []byte("[SIDE_DATA]")):
			side = true
		case bytes.Equal(line, []byte("[/SIDE_DATA]")):
			side = false
		case bytes.Equal(line, []byte("[/PACKET]")):
			if p.stream < 0 {
				return errors.New("a packet of no stream")
			}
			if err := take(p); err != nil {
				return err
			}
			p = noPacket
		case !side:
			if err := p.set(line); err != nil {
				return fmt.Errorf("a packet with %q: %w", line, err)
			}
		}
	}
	return lines.Err()
}

var noPacket = packet{stream: -1, pts: media.NoPTS}

// set takes one field. Lines that are none are section marks.
func (p *packet) set(line []byte) (err error) {
	key, value, _ := bytes.Cut(line, []byte{'='})
	switch string(key) {
	case "stream_index":
		p.stream, err = strconv.Atoi(string(value))
	case "pts":
		p.pts, err = media.ParseTicks(value)
	case "size":
		if p.size, err = strconv.Atoi(string(value)); p.size < 0 {
			err = strconv.ErrRange
		}
	case "flags":
		p.key, p.discard = bytes.IndexByte(value, 'K') >= 0, bytes.IndexByte(value, 'D') >= 0
	case "data_hash":
		p.crc, err = media.ParseCRC(value)
	}
	return err
}
