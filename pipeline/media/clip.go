package media

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"strconv"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// Clip is what one reading tells of a file with a single video stream: an encoded chunk, or a piece.
type Clip struct {
	Streams       int
	Codec         string // ffmpeg's name, empty where it was not asked for
	Width, Height int
	TimeBase      pipeline.Rational
	FieldOrder    string  // as the container has it, ffmpeg's name; empty where it says nothing
	Extradata     string  // SHA-256 of the codec's private data, lower-case hex; empty where there is none
	PTS           []int64 // in file order, NoPTS where there is none
	Keys          []int64 // those of key packets
	Sizes         []int64 // of the packets in file order, bytes
	// Digest is of all packets' payloads in file order, see Fold.
	Digest [sha256.Size]byte
	clipFile
}

// clipFile is what is known of a clip's file as bytes.
type clipFile struct {
	Size  int64
	CRC32 string // 8 upper-case hex digits; empty where not all of it was read
	Head  []byte // the first headSize bytes
}

// Payload is the bytes of all packets.
func (c *Clip) Payload() (n int64) {
	for _, size := range c.Sizes {
		n += size
	}
	return n
}

// headSize is how much of a file Clip keeps: enough for what an encoder writes of itself into the first packet.
const headSize = 64 << 10

// Clip reads a file once, from its first byte to its last: r is the file at path, an absolute one, at its
// start. Our own Matroska is read here: a process for each chunk, its check and its check by the master would
// cost more than all else but the encode itself. Of other files ffprobe says what is in them. An *ExitError or
// io.ErrUnexpectedEOF: the file is damaged; its size and CRC-32 are told all the same.
func (t Tools) Clip(ctx context.Context, r io.Reader, path string) (*Clip, error) {
	c := &Clip{}
	err := c.read(sharefs.UntilDone(ctx, r))
	if errors.Is(err, ErrUnusual) {
		err = t.probeClip(ctx, path, c)
	}
	if err != nil {
		return c, fmt.Errorf("cannot read %q: %w", path, err)
	}
	return c, nil
}

func (c *Clip) read(r io.Reader) error {
	sum := crc32.NewIEEE()
	all := io.TeeReader(r, io.MultiWriter(sum, (*clipHead)(c)))
	fold := NewFold()
	failed := c.list(all, fold)
	c.Digest = fold.Sum()
	if errors.Is(failed, ErrUnusual) {
		if _, err := io.Copy(io.Discard, all); err != nil {
			return err
		}
	}
	if failed == nil || errors.Is(failed, ErrUnusual) || errors.Is(failed, io.ErrUnexpectedEOF) {
		c.CRC32 = fmt.Sprintf("%08X", sum.Sum32()) // all was read
	}
	return failed
}

// list reads a file of a single track. fold may be nil: nobody asks for the payloads.
func (c *Clip) list(r io.Reader, fold *Fold) error {
	c.TimeBase = pipeline.Rational{Num: 1, Den: 1000}
	var only *track
	err := readMatroska(r, func(m *matroska, b block) error {
		if len(m.tracks) != 1 || b.track.kind == fileKind || b.track.odd || b.track.delay != 0 || b.laced {
			return ErrUnusual
		}
		only = b.track
		if fold == nil {
			c.PTS = append(c.PTS, b.pts)
			return nil
		}
		p, err := m.packet(b)
		if err != nil {
			return err
		}
		p.CRC, err = m.sum(b)
		c.add(p, fold)
		return err
	})
	if only != nil {
		c.Streams, c.Codec, c.FieldOrder = 1, matroskaCodecs[only.codec], only.fieldOrder
		c.Width, c.Height = only.width, only.height
		if only.private != nil {
			extra := sha256.Sum256(only.private)
			c.Extradata = hex.EncodeToString(extra[:])
		}
	}
	return err
}

func (c *Clip) add(p Packet, fold *Fold) {
	c.PTS, c.Sizes = append(c.PTS, p.PTS), append(c.Sizes, int64(p.Size))
	if p.Flags&Key != 0 {
		c.Keys = append(c.Keys, p.PTS)
	}
	fold.Add(p.CRC)
}

// matroskaCodecs gives ffmpeg's names.
var matroskaCodecs = map[string]string{"V_MPEG4/ISO/AVC": "h264", "V_MPEGH/ISO/HEVC": "hevc", "V_AV1": "av1"}

// Times lists the packets of a file with a single video stream, as Clip does, and looks at nothing else.
func (t Tools) Times(ctx context.Context, r io.Reader, path string) ([]int64, error) {
	c := &Clip{}
	err := c.list(sharefs.UntilDone(ctx, r), nil)
	if errors.Is(err, ErrUnusual) {
		p, err := t.Packets(ctx, path, 0)
		if err != nil {
			return nil, err
		}
		return p.PTS, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", path, err)
	}
	return c.PTS, nil
}

// probeClip has ffprobe read what is not ours.
func (t Tools) probeClip(ctx context.Context, path string, c *Clip) error {
	f, err := t.Probe(ctx, path)
	if err != nil {
		return err
	}
	*c = Clip{Streams: len(f.Streams), clipFile: c.clipFile}
	if c.Streams == 0 {
		return nil
	}
	s := f.Streams[0]
	c.Codec, c.Width, c.Height, c.TimeBase, c.Extradata = s.Codec, s.Width, s.Height, s.TimeBase, s.ExtradataSHA256
	c.FieldOrder = s.FieldOrder
	fold := NewFold()
	_, err = t.eachPacket(ctx, path, []string{"-select_streams", strconv.Itoa(s.Index), "-show_data_hash", "CRC32"},
		allFields|fieldHash, func(p Packet) error {
			if p.Flags&Discard != 0 {
				p.PTS = NoPTS // it is never shown
			}
			c.add(p, fold)
			return nil
		})
	c.Digest = fold.Sum()
	return err
}

// clipHead counts the bytes that were read and keeps the first ones.
type clipHead Clip

func (c *clipHead) Write(b []byte) (int, error) {
	c.Size += int64(len(b))
	if room := headSize - len(c.Head); room > 0 {
		c.Head = append(c.Head, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

// Fold makes one digest of many packets' CRC-32s, as ffprobe prints them with -show_data_hash CRC32.
type Fold struct {
	hash hash.Hash
	N    int // packets
}

// NewFold returns a Fold of no packets.
func NewFold() *Fold { return &Fold{hash: sha256.New()} }

// Add takes the next packet's CRC-32.
func (f *Fold) Add(packet uint32) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], packet)
	f.hash.Write(b[:]) // never fails
	f.N++
}

// Sum is the digest of all packets so far.
func (f *Fold) Sum() (d [sha256.Size]byte) {
	f.hash.Sum(d[:0])
	return d
}
