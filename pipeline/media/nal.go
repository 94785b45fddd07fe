package media

import "encoding/binary"

// maxHead is how much of a packet is looked at: more than stands in front of any first slice.
const maxHead = 64 << 10

// keyFinder reports whether ffmpeg takes a packet of size bytes, which begins with head, for a key frame. What the
// container says of it does not count: libavformat goes by libavcodec's parser. What might make that complain is
// ErrUnusual.
type keyFinder interface {
	key(head []byte, size int64) (bool, error)
}

// newKeyFinder returns nil for what is not known well enough.
func newKeyFinder(t *track) keyFinder {
	switch matroskaCodecs[t.codec] {
	case "h264":
		return newH264Keys(t.private)
	case "hevc":
		return newHEVCKeys(t.private)
	case "av1":
		return newAV1Keys(t.private)
	}
	return nil
}

// h264Keys goes by an IDR slice, by a recovery point in an SEI message in front of the first slice, or by an I slice
// where no picture refers to more than one other (h264_parser.c, parse_nal_units).
type h264Keys struct {
	refs bool // pictures may refer to more than one other, by all parameter sets so far
}

// newH264Keys takes an avcC (ISO/IEC 14496-15, 5.3.3.1); nil if its units have other lengths than usual.
func newH264Keys(private []byte) keyFinder {
	if len(private) < 8 || private[0] != 1 || private[4]&3 != 3 {
		return nil
	}
	return &h264Keys{refs: severalRefs(onlySet(private))}
}

func (k *h264Keys) key(head []byte, size int64) (key bool, err error) {
	for {
		unit, err := nextUnit(&head, &size)
		if err != nil {
			return false, err
		}
		switch unit.bytes[0] & 0x1F {
		case 1: // a slice
			// of the picture's beginning, type 2 or 7: I
			if first := unit.bytes[1]; !key && (first>>4 == 0b1011 || first == 0b1000_1000) && !k.refs {
				return false, ErrUnusual
			}
			return key, nil
		case 5: // an IDR slice
			return true, nil
		case 6: // SEI
			point, ok := recoveryPoint(unit.bytes[1:])
			if !ok || !unit.whole {
				return false, ErrUnusual
			}
			key = key || point
		case 7: // SPS
			k.refs = k.refs && unit.whole && severalRefs(unit.bytes)
		case 8, 9, 10, 12, 13, 15: // PPS, delimiters, filler
		default:
			return false, ErrUnusual
		}
	}
}

// hevcKeys goes by the first slice: it is of a picture at which decoding may begin, or not (hevc_parser.c,
// hevc_parse_slice_header).
type hevcKeys struct{}

// newHEVCKeys takes an hvcC (ISO/IEC 14496-15, 8.3.3.1).
func newHEVCKeys(private []byte) keyFinder {
	if len(private) < 23 || private[0] != 1 || private[21]&3 != 3 {
		return nil
	}
	return hevcKeys{}
}

func (hevcKeys) key(head []byte, size int64) (bool, error) {
	for {
		unit, err := nextUnit(&head, &size)
		if err != nil {
			return false, err
		}
		switch kind := unit.bytes[0] >> 1; {
		case unit.bytes[0]&1 != 0 || unit.bytes[1]>>3 != 0: // another layer than the base
			return false, ErrUnusual
		case kind <= 9:
			return false, nil
		case kind >= 16 && kind <= 21: // IRAP
			return true, nil
		case kind < 32 || kind > 40: // parameter sets, delimiters, filler, SEI
			return false, ErrUnusual
		}
	}
}

// nalUnit is two bytes at least.
type nalUnit struct {
	bytes []byte
	whole bool // not cut off by the end of the packet's head
}

// nextUnit takes the next NAL unit off a packet.
func nextUnit(head *[]byte, size *int64) (nalUnit, error) {
	b := *head
	if len(b) < 6 {
		return nalUnit{}, ErrUnusual
	}
	length := int64(binary.BigEndian.Uint32(b))
	if length < 2 || length > *size-4 || b[4]&0x80 != 0 {
		return nalUnit{}, ErrUnusual
	}
	end := min(4+length, int64(len(b)))
	*head, *size = b[end:], *size-4-length
	return nalUnit{b[4:end], end == 4+length}, nil
}

// recoveryPoint looks for that message among the SEI messages of a unit (ISO/IEC 14496-10, 7.3.2.3). Not ok: they
// are damaged, by what h264_sei.c says of them.
func recoveryPoint(unit []byte) (found, ok bool) {
	sei := unescape(unit)
	number := func() (n int) {
		for len(sei) > 0 {
			b := sei[0]
			if n, sei = n+int(b), sei[1:]; b != 0xFF {
				return n
			}
		}
		return -1
	}
	for len(sei) > 2 && (sei[0] != 0 || sei[1] != 0) {
		kind, size := number(), number()
		if size < 0 || size > len(sei) {
			return false, false
		}
		if message := (bits{rest: sei[:size]}); kind == 6 {
			if found = true; message.ue() >= 1<<16 || message.over {
				return false, false
			}
		}
		sei = sei[size:]
	}
	return found, true
}

// unescape takes out the bytes that keep start codes out of a unit (7.4.1).
func unescape(unit []byte) []byte {
	out, zeros := make([]byte, 0, len(unit)), 0
	for _, b := range unit {
		if zeros < 2 || b != 3 {
			out = append(out, b)
		}
		if zeros++; b != 0 {
			zeros = 0
		}
	}
	return out
}

// bits reads from the highest bit of each byte on.
type bits struct {
	rest []byte
	used int  // bits of the first byte
	over bool // more was read than there is
}

func (b *bits) bit() (bit int) {
	if len(b.rest) == 0 {
		b.over = true
		return 0
	}
	bit = int(b.rest[0]>>(7-b.used)) & 1
	if b.used++; b.used == 8 {
		b.rest, b.used = b.rest[1:], 0
	}
	return bit
}

// ue reads an Exp-Golomb-coded number (9.1); what has more than 32 bits is over.
func (b *bits) ue() int {
	zeros := 0
	for b.bit() == 0 {
		if zeros++; zeros > 32 || b.over {
			b.over = true
			return 0
		}
	}
	n := 1
	for range zeros {
		n = n<<1 | b.bit()
	}
	return n - 1
}
