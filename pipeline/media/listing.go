package media

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
)

// Listing is the packets of a Matroska file's only video track, as our own reader found them.
type Listing struct {
	packets Packets // without DTS, which Matroska does not have
	codec   string  // ffmpeg's name
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
	var keys keyFinder
	err := readMatroska(r, func(m *matroska, b block) (err error) {
		if b.track.kind != videoKind {
			return nil
		}
		if only == nil {
			only = b.track
			if keys = plainVideo(m.tracks, only); keys == nil {
				return errUnusual
			}
			l.codec = matroskaCodecs[only.codec]
		}
		flags, size := uint8(0), b.end-m.at
		if b.laced || size > math.MaxInt32 {
			return errUnusual
		}
		isKey, err := keys.key(m, b)
		if isKey {
			flags = Key
		}
		l.packets.PTS, l.packets.DTS = append(l.packets.PTS, b.pts), append(l.packets.DTS, NoPTS)
		l.packets.Size, l.packets.Flags = append(l.packets.Size, uint32(size)), append(l.packets.Flags, flags)
		return err
	})
	if err == nil && only == nil {
		err = errUnusual
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// plainVideo returns nil if ffprobe might list the track's packets in another way.
func plainVideo(tracks []*track, t *track) keyFinder {
	videos := 0
	for _, other := range tracks {
		if other.kind == videoKind {
			videos++
		}
	}
	switch {
	case videos != 1 || t.odd:
	case matroskaCodecs[t.codec] == "h264":
		return newH264Keys(t.private)
	case matroskaCodecs[t.codec] == "hevc":
		return newHEVCKeys(t.private)
	}
	return nil
}

// Packets gives the list if it is what Tools.Packets would list of a file's stream; nil if it might not be, or
// if there is no list.
func (l *Listing) Packets(f *File, s Stream) *Packets {
	if l == nil || len(f.Video()) != 1 || s.Codec != l.codec || s.TimeBase != (Rational{1, 1000}) || f.Warnings != "" || !l.packets.inOrder(s.BFrames) {
		return nil
	}
	return &l.packets
}

// inOrder tells whether a decoder that reorders so many pictures gets the packets in the order of decoding.
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
