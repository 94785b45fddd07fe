package media

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strconv"
)

// Flags of a packet.
const (
	Key     uint8 = 1 << iota // K: a decoder may start here, as the container has it
	Discard                   // D: decoded but never shown (MP4 edit list)
)

// Packets is the list of a stream's packets in file order, in columns: 21 bytes each.
type Packets struct {
	PTS, DTS []int64 // ticks; NoPTS where the container has none
	Size     []uint32
	Flags    []uint8
	crcs     []uint32 // CRC-32s of the payloads, where they were asked for
	Warnings string   // what ffprobe complained about while reading, the last part of it
}

// Len is the number of packets.
func (p *Packets) Len() int { return len(p.PTS) }

// Packets reads a whole file once and lists one stream's packets. path is absolute, stream the
// stream's index in the file. Options in pre go before the input.
func (t Tools) Packets(ctx context.Context, path string, stream int, pre ...string) (*Packets, error) {
	return t.packets(ctx, path, stream, append(pre, "-show_entries", "packet=pts,dts,size,flags"))
}

func (t Tools) packets(ctx context.Context, path string, stream int, options []string) (*Packets, error) {
	args := []string{"-v", "error", "-select_streams", strconv.Itoa(stream), "-of", "compact"}
	args = append(append(args, options...), Input(path)...)
	scan := &packetScanner{}
	stderr, err := t.Run(ctx, Command{Program: t.FFprobe, Args: args, Stdout: scan, Limits: Reading(Size(path))})
	if scan.err != nil {
		err = scan.err // it ended ffprobe, by a closed pipe
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the packets of %q: %w", path, err)
	}
	if len(scan.line) > 0 {
		return nil, fmt.Errorf("cannot list the packets of %q: ffprobe's last line is cut off", path)
	}
	scan.out.Warnings = stderr
	return &scan.out, nil
}

// longestPacketLine is several times what ffprobe prints for the entries asked for.
const longestPacketLine = 512

// packetScanner reads lines such as "packet|pts=0|dts=N/A|size=8864|flags=K_" as they come.
type packetScanner struct {
	out  Packets
	line []byte // an unfinished line
	err  error
}

func (s *packetScanner) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0 && s.err == nil; {
		part, after, whole := bytes.Cut(rest, []byte{'\n'})
		rest = after
		if len(s.line)+len(part) > longestPacketLine {
			s.err = fmt.Errorf("a line of more than %d bytes", longestPacketLine)
			break
		}
		if !whole {
			s.line = append(s.line, part...)
			break
		}
		if len(s.line) > 0 {
			s.line = append(s.line, part...)
			s.err = s.take(s.line)
			s.line = s.line[:0]
		} else {
			s.err = s.take(part)
		}
	}
	return len(b), s.err
}

func (s *packetScanner) take(line []byte) error {
	line = bytes.TrimRight(line, "\r")
	rest, ok := bytes.CutPrefix(line, []byte("packet|"))
	if !ok {
		if len(line) == 0 || bytes.HasPrefix(line, []byte("side_data|")) {
			return nil // what compact output prints behind a packet with side data
		}
		return fmt.Errorf("not a packet: %q", line)
	}
	pts, dts, size, flags := int64(NoPTS), int64(NoPTS), uint64(0), uint8(0)
	var seen int
	for len(rest) > 0 {
		var field []byte
		field, rest, _ = bytes.Cut(rest, []byte{'|'})
		key, value, _ := bytes.Cut(field, []byte{'='})
		var err error
		switch string(key) {
		case "pts":
			pts, err = ParseTicks(value)
		case "dts":
			dts, err = ParseTicks(value)
		case "size":
			size, err = strconv.ParseUint(string(value), 10, 32)
		case "flags":
			flags = parseFlags(value)
		case "data_hash":
			var sum uint32
			sum, err = ParseCRC(value)
			s.out.crcs = append(s.out.crcs, sum)
			seen--
		default:
			continue // a section that a later ffprobe may add
		}
		if err != nil {
			return fmt.Errorf("packet with a bad %s: %q", key, line)
		}
		seen++
	}
	if seen != 4 {
		return fmt.Errorf("packet with %d of its 4 fields: %q", seen, line)
	}
	s.out.PTS = append(s.out.PTS, pts)
	s.out.DTS = append(s.out.DTS, dts)
	s.out.Size = append(s.out.Size, uint32(size))
	s.out.Flags = append(s.out.Flags, flags)
	return nil
}

// ParseCRC reads what -show_data_hash CRC32 prints.
func ParseCRC(value []byte) (uint32, error) {
	digits, found := bytes.CutPrefix(value, []byte("CRC32:"))
	sum, err := strconv.ParseUint(string(digits), 16, 32)
	if err == nil && !found {
		err = strconv.ErrSyntax
	}
	return uint32(sum), err
}

// ParseTicks reads a timestamp as ffprobe prints it; NoPTS for N/A. Values near the ends of int64 would
// overflow when two are subtracted; no stream lasts that long.
func ParseTicks(value []byte) (int64, error) {
	if string(value) == "N/A" {
		return NoPTS, nil
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err == nil && (n > math.MaxInt64/4 || n < math.MinInt64/4) {
		err = strconv.ErrRange
	}
	return n, err
}

func parseFlags(value []byte) (flags uint8) {
	if bytes.IndexByte(value, 'K') >= 0 {
		flags |= Key
	}
	if bytes.IndexByte(value, 'D') >= 0 {
		flags |= Discard
	}
	return flags
}
