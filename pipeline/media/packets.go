package media

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// Flags of a packet.
const (
	Key     uint8 = 1 << iota // K: a decoder may start here, as the container has it
	Discard                   // D: decoded but never shown (MP4 edit list)
	// Anew is a key packet whose sequence header states pictures of another form: size, aspect ratio, progressive or
	// not. Decoders of MPEG-2 and MPEG-4 begin anew there, and lose the picture that they hold back (mpeg12dec.c,
	// mpeg_decode_postinit).
	Anew
)

// Packet is one packet of any stream as the demuxer gives it.
type Packet struct {
	PTS, DTS int64  // ticks; NoPTS where the container has none
	Stream   int    // its index in the file
	CRC      uint32 // of the payload, where it was asked for: told apart here is damage, not malice
	Size     uint32
	Ticks    uint32 // its duration as ffprobe tells it; 0 where there is none, or none that fits
	Flags    uint8
}

// Packets is the list of a stream's packets in file order, in columns: 21 bytes each.
type Packets struct {
	PTS, DTS []int64 // ticks; NoPTS where the container has none
	Size     []uint32
	Flags    []uint8
	// LastTicks is how long the packet that is shown last is shown, in ticks; 0 where the container does not say.
	LastTicks int64
	Warnings  string // what ffprobe complained about while reading, the last part of it

	last  int64 // that packet's PTS
	timed bool  // there is one
}

// Len is the number of packets.
func (p *Packets) Len() int { return len(p.PTS) }

func (p *Packets) add(k Packet) {
	p.PTS, p.DTS = append(p.PTS, k.PTS), append(p.DTS, k.DTS)
	p.Size, p.Flags = append(p.Size, k.Size), append(p.Flags, k.Flags)
	if k.PTS != NoPTS && k.Flags&Discard == 0 && (!p.timed || k.PTS > p.last) {
		p.timed, p.last, p.LastTicks = true, k.PTS, int64(k.Ticks)
	}
}

// Shown lists packets by their numbers in the order of presentation.
func Shown(pts []int64) []int {
	order := make([]int, len(pts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(pts[a], pts[b]) })
	return order
}

// Packets reads a whole file once and lists one stream's packets. path is absolute, stream the
// stream's index in the file.
func (t Tools) Packets(ctx context.Context, path string, stream int) (*Packets, error) {
	list := &Packets{}
	warnings, err := t.eachPacket(ctx, path, []string{"-select_streams", strconv.Itoa(stream)}, allFields,
		func(p Packet) error {
			list.add(p)
			return nil
		})
	if err != nil {
		return nil, err
	}
	list.Warnings = warnings
	return list, nil
}

// EachPacket reads a whole file once and hands every packet to take, with its CRC, in file order, in the caller's
// goroutine. An error of take ends the reading and is returned.
func (t Tools) EachPacket(ctx context.Context, path string, take func(Packet) error) error {
	_, err := t.eachPacket(ctx, path, []string{"-show_data_hash", "CRC32"}, allFields|fieldHash, take)
	return err
}

// EachTime is EachPacket without CRCs.
func (t Tools) EachTime(ctx context.Context, path string, take func(Packet) error) error {
	_, err := t.eachPacket(ctx, path, nil, allFields, take)
	return err
}

func (t Tools) eachPacket(ctx context.Context, path string, options []string, wanted uint8,
	take func(Packet) error) (warnings string, err error) {
	args := append([]string{"-v", "level+error", "-show_entries",
		"packet=stream_index,pts,dts,duration,size,flags,data_hash", "-of", "default"}, options...)
	warnings, err = t.Pipe(ctx, Command{Program: t.FFprobe, Args: append(args, Input(path)...),
		Limits: Reading(Size(path))}, func(r io.Reader) error {
		return scanPackets(r, wanted, take)
	})
	if err != nil {
		return "", fmt.Errorf("cannot list the packets of %q: %w", path, err)
	}
	return warnings, nil
}

// scanPackets reads ffprobe's default form: [PACKET], a line "key=value" for each field, [/PACKET]. (In the compact
// form side data breaks the line before the hash.) A packet that lacks one of the wanted fields is an error.
func scanPackets(r io.Reader, wanted uint8, take func(Packet) error) error {
	lines := bufio.NewScanner(r)
	p, side := noPacket, false
	for lines.Scan() {
		switch line := lines.Bytes(); {
		case bytes.Equal(line, []byte("[SIDE_DATA]")):
			side = true
		case bytes.Equal(line, []byte("[/SIDE_DATA]")):
			side = false
		case bytes.Equal(line, []byte("[/PACKET]")):
			if p.fields&wanted != wanted {
				return errors.New("a packet without all of its fields")
			}
			if err := take(p.Packet); err != nil {
				return err
			}
			p = noPacket
		case !side:
			if err := p.set(line); err != nil {
				return fmt.Errorf("a packet with %q: %w", line, err)
			}
		}
	}
	if lines.Err() == nil && p.fields != 0 {
		return errors.New("the last packet is cut off")
	}
	return lines.Err()
}

// scanned is a packet that is being read.
type scanned struct {
	Packet
	fields uint8 // those that were seen
}

const (
	fieldStream uint8 = 1 << iota
	fieldPTS
	fieldDTS
	fieldSize
	fieldFlags
	fieldHash // only where it was asked for
	allFields = fieldStream | fieldPTS | fieldDTS | fieldSize | fieldFlags
)

var noPacket = scanned{Packet: Packet{PTS: NoPTS, DTS: NoPTS}}

// set takes one field. Lines that are none are section marks.
func (p *scanned) set(line []byte) (err error) {
	key, value, _ := bytes.Cut(line, []byte{'='})
	var n uint64
	switch string(key) {
	case "stream_index":
		n, err = strconv.ParseUint(string(value), 10, 31)
		p.Stream, p.fields = int(n), p.fields|fieldStream
	case "pts":
		p.PTS, err = parseTicks(value)
		p.fields |= fieldPTS
	case "dts":
		p.DTS, err = parseTicks(value)
		p.fields |= fieldDTS
	case "duration":
		n, _ = strconv.ParseUint(string(value), 10, 32) // N/A and what does not fit: not known
		if p.Ticks = uint32(n); n == math.MaxUint32 {
			p.Ticks = 0
		}
	case "size":
		n, err = strconv.ParseUint(string(value), 10, 32)
		p.Size, p.fields = uint32(n), p.fields|fieldSize
	case "flags":
		p.Flags, p.fields = parseFlags(value), p.fields|fieldFlags
	case "data_hash":
		p.CRC, err = parseCRC(value)
		p.fields |= fieldHash
	}
	return err
}

// parseCRC reads what -show_data_hash CRC32 prints.
func parseCRC(value []byte) (uint32, error) {
	digits, found := bytes.CutPrefix(value, []byte("CRC32:"))
	sum, err := strconv.ParseUint(string(digits), 16, 32)
	if err == nil && !found {
		err = strconv.ErrSyntax
	}
	return uint32(sum), err
}

// parseTicks reads a timestamp as ffprobe prints it; NoPTS for N/A. Values near the ends of int64 would
// overflow when two are subtracted; no stream lasts that long.
func parseTicks(value []byte) (int64, error) {
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
