package media

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"slices"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// Listing is the packets of a Matroska file's only video track, as our own reader found them.
type Listing struct {
	packets Packets // without DTS, which Matroska does not have
	codec   string  // ffmpeg's name
	sound   int64   // bytes of all tracks of sound
}

// ReadOnce reads r from its start to its end and returns its CRC-32, 8 upper-case hex digits. As soon as it is
// known whether the packets can be listed on the way, it sends the list to listed, which must not block; nil if
// they can't. Where the error is not nil, r could not be read.
func ReadOnce(ctx context.Context, r io.Reader, listed chan<- *Listing) (crc string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	in, sum := readAhead(ctx, r), crc32.NewIEEE()
	defer func() {
		cancel()
		for range in.full { // until r is not used any more
		}
	}()
	all := io.TeeReader(in, sum)
	list, err := newListing(all)
	listed <- list
	if err != nil {
		_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, all, make([]byte, readSize))
	}
	return fmt.Sprintf("%08X", sum.Sum32()), err
}

// newListing returns no list with an error.
func newListing(r io.Reader) (*Listing, error) {
	l := &Listing{}
	var only *track
	err := readMatroska(r, func(m *matroska, b block) error {
		if b.track.kind == soundKind {
			l.sound += b.end - m.at
		}
		if b.track.kind != videoKind {
			return nil
		}
		if only == nil {
			only = b.track
			l.codec = matroskaCodecs[only.codec]
			if k := newSequenceKeys(only); k != nil {
				l.codec, only.keys = k.codec, k
			}
		}
		if b.track != only || only.delay != 0 {
			return ErrUnusual
		}
		p, err := m.packet(b)
		l.packets.add(p)
		return err
	})
	if err == nil && only == nil {
		err = ErrUnusual
	}
	if err != nil {
		return nil, err
	}
	l.packets.LastTicks = only.lasts
	return l, nil
}

// Packets gives the list if it is what Tools.Packets would list of a file's stream; nil if it might not be, or
// if there is no list.
func (l *Listing) Packets(f *File, s Stream) *Packets {
	if l == nil || l.timeless() || len(f.Video()) != 1 || s.Codec != l.codec ||
		s.TimeBase != (pipeline.Rational{Num: 1, Den: 1000}) || f.Warnings != "" || !l.packets.inOrder(s.BFrames) {
		return nil
	}
	return &l.packets
}

// Sound is how many bytes of sound the file has, at least; 0 where that is not known.
func (l *Listing) Sound() int64 {
	if l == nil {
		return 0
	}
	return l.sound
}

// timeless reports whether nothing but Anew is to be had of the list: libavformat makes DTS of these codecs in another
// way.
func (l *Listing) timeless() bool { return l.codec != "h264" && l.codec != "hevc" }

// Mark sets Anew in a list that ffprobe made of the same stream.
func (l *Listing) Mark(p *Packets) {
	if l == nil || !slices.Equal(l.packets.PTS, p.PTS) {
		return
	}
	for i, flags := range l.packets.Flags {
		p.Flags[i] |= flags & Anew
	}
}

// Changes reports whether pictures of another form begin within a stream of MPEG-1, -2 or -4 that is not in Matroska.
// Of what ffmpeg can't copy it tells nothing.
func (t Tools) Changes(ctx context.Context, path string, stream int) (changes bool, err error) {
	args := append(BaseArgs(), Input(path)...)
	args = append(args, "-map", fmt.Sprint("0:", stream), "-c", "copy", "-f", "matroska", "pipe:1")
	_, err = t.Pipe(ctx, Command{Program: t.FFmpeg, Args: args, Limits: Copying(Size(path))}, func(r io.Reader) error {
		list, unlisted := newListing(r)
		if unlisted != nil {
			_, err := io.Copy(io.Discard, r)
			return err
		}
		changes = slices.ContainsFunc(list.packets.Flags, func(f uint8) bool { return f&Anew != 0 })
		return nil
	})
	if Blames(err) {
		err = nil
	}
	return changes, err
}

// inOrder reports whether a decoder that reorders this number of pictures gets the packets in the order of decoding.
// Matroska has no DTS: ffmpeg takes the smallest of the packet's PTS and the reorder largest ones before it
// (libavformat, compute_pkt_fields), and says that DTS go back where that does.
func (p *Packets) inOrder(reorder int) bool {
	if reorder < 0 || reorder > maxReorder {
		return false
	}
	largest, last := slices.Repeat([]int64{NoPTS}, reorder+1), int64(NoPTS) // ascending, but for the new one in front
	for _, pts := range p.PTS {
		largest[0] = pts
		for i := 0; i < reorder && largest[i] > largest[i+1]; i++ {
			largest[i], largest[i+1] = largest[i+1], largest[i]
		}
		if largest[0] < last {
			return false
		}
		last = largest[0]
	}
	return true
}

const maxReorder = 16 // libavformat's MAX_REORDER_DELAY

// PlainPackets does what Tools.EachPacket does, without a child and without DTS, for a Matroska file at path of which
// ffprobe has said f. ErrUnusual may come behind the first packets.
func PlainPackets(ctx context.Context, path string, f *File, take func(Packet) error) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return readMatroska(sharefs.UntilDone(ctx, in), func(m *matroska, b block) error {
		stream, listed := streamOf(m, b.track, f)
		if stream < 0 {
			return ErrUnusual
		}
		if !listed {
			return nil
		}
		p, err := m.packet(b)
		if err != nil {
			return err
		}
		p.Stream = stream
		if p.CRC, err = m.sum(b); err != nil {
			return err
		}
		return take(p)
	})
}

// packet makes one of a block, but for its stream and CRC.
func (m *matroska) packet(b block) (Packet, error) {
	t, size := b.track, b.end-m.at
	p := Packet{PTS: b.pts, DTS: NoPTS, Size: uint32(size)}
	if t.delay != 0 {
		p.PTS -= (t.delay + nsPerMatroska/2) / nsPerMatroska
	}
	if b.laced || t.odd || size > math.MaxInt32 {
		return p, ErrUnusual
	}
	if t.kind != videoKind {
		return p, nil
	}
	if t.keys == nil {
		if t.keys = newKeyFinder(t); t.keys == nil {
			return p, ErrUnusual
		}
	}
	head, _, err := m.peek(b)
	if err != nil {
		return p, err
	}
	key, err := t.keys.key(head, size)
	if key {
		p.Flags = Key
	}
	if s, ok := t.keys.(*sequenceKeys); ok && key && s.change {
		p.Flags |= Anew
	}
	return p, err
}

// peek returns how a packet of size bytes begins.
func (m *matroska) peek(b block) (head []byte, size int64, err error) {
	size = b.end - m.at
	head, err = m.in.Peek(int(min(size, maxHead)))
	return head, size, noEOF(err)
}

// streamOf finds the index that ffprobe gave a track or an attachment, -1 if that can't be told, and whether it has
// packets: of attachments a cover has.
func streamOf(m *matroska, t *track, f *File) (stream int, listed bool) {
	i := slices.Index(m.tracks, t)
	if i < 0 {
		i = len(m.tracks) + slices.Index(m.files, t)
	}
	if i >= len(f.Streams) || f.Streams[i].Index != i {
		return -1, false
	}
	s := f.Streams[i]
	switch cover := s.AttachedPic(); {
	case t.kind == fileKind && (cover || s.Type == "attachment"):
		return i, cover
	case t.kind != fileKind && !cover && s.Type == trackTypes[t.kind]:
		return i, true
	}
	return -1, false
}

var trackTypes = map[int64]string{videoKind: "video", soundKind: "audio", 17: "subtitle"}
