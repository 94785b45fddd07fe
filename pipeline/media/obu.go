package media

// The types of an OBU that are looked at (AV1 Bitstream & Decoding Process Specification, 6.2.2).
const (
	obuSequence    = 1
	obuFrameHeader = 3
	obuFrame       = 6
	obuRedundant   = 7
	obuTileList    = 8
)

// av1Keys goes by the frame that a temporal unit shows: it is a key frame, and no earlier one that is shown now
// (libavcodec/av1_parser.c).
type av1Keys struct{}

// newAV1Keys takes an av1C (AV1 Codec ISO Media File Format Binding, 2.3).
func newAV1Keys(private []byte) keyFinder {
	if len(private) < 4 || private[0] != 0x81 {
		return nil
	}
	return av1Keys{}
}

func (av1Keys) key(head []byte, size int64) (key bool, err error) {
	shown := false
	for size > 0 {
		kind, payload, err := nextOBU(&head, &size)
		if err != nil {
			return false, err
		}
		switch {
		case kind == obuSequence && payload&0x08 != 0, // a still picture, whose frame headers are shorter
			kind == obuRedundant, kind == obuTileList:
			return false, ErrUnusual
		case kind != obuFrame && kind != obuFrameHeader:
		case payload&0x80 != 0: // show_existing_frame
			key, shown = false, true
		case payload&0x10 != 0: // show_frame
			key, shown = payload&0x60 == 0, true
		}
	}
	if !shown {
		return false, ErrUnusual
	}
	return key, nil
}

// nextOBU takes the next OBU off a packet, and returns its payload's first byte (5.3).
func nextOBU(head *[]byte, size *int64) (kind, payload byte, err error) {
	b := *head
	if len(b) < 2 || b[0]&0x86 != 0x02 { // with a size, and no layer
		return 0, 0, ErrUnusual
	}
	length, n := int64(0), 0
	for n = 1; ; n++ { // leb128
		if n == len(b) || n > 4 {
			return 0, 0, ErrUnusual
		}
		length |= int64(b[n]&0x7F) << (7 * (n - 1))
		if b[n]&0x80 == 0 {
			break
		}
	}
	end := int64(n+1) + length
	if end > *size || length > 0 && n+1 == len(b) {
		return 0, 0, ErrUnusual
	}
	if length > 0 {
		payload = b[n+1]
	}
	*head, *size = b[min(end, int64(len(b))):], *size-end
	return b[0] >> 3 & 0x0F, payload, nil
}
