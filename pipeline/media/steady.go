package media

import "bytes"

// steadyPackets is how many packets are decoded of a stream whose first HeadPackets have nothing to tell by their
// pictures but the first one's HDR: decoding takes most of what a look costs.
const steadyPackets = 8

// steady looks whether the first packets of an H.264 video are such. They are if the stream begins with an IDR picture,
// behind which no packet needs what is not there, and has one sequence parameter set that lets no picture say that it
// has fields or is to be repeated. libavcodec takes both from nowhere else (h264_slice.c, h264_export_frame_props).
type steady struct {
	set     []byte // that sequence parameter set
	packets int    // looked at
	broken  bool   // one of them may be otherwise
}

func newSteady(t *track) *steady {
	set := onlySet(t.private)
	sps, known := readSPS(set)
	return &steady{set: set, broken: matroskaCodecs[t.codec] != "h264" || !known || !sps.frames || sps.says}
}

// take looks at the next packet, of size bytes, which begins with head.
func (s *steady) take(head []byte, size int64) {
	s.broken = s.broken || !s.allows(head, size)
	s.packets++
}

func (s *steady) allows(head []byte, size int64) bool {
	for {
		unit, err := nextUnit(&head, &size)
		if err != nil {
			return false
		}
		switch unit.bytes[0] & 0x1F {
		case 1: // a slice; what can stand behind the first one belongs to the same picture
			return s.packets > 0
		case 5: // of an IDR picture
			return true
		case 7:
			if !bytes.Equal(unit.bytes, s.set) {
				return false
			}
		case 6, 8, 9, 12: // SEI, PPS, delimiters, filler
		default:
			return false
		}
	}
}
