package media

import (
	"encoding/binary"
	"slices"
)

// onlySet takes the sequence parameter set out of an avcC (ISO/IEC 14496-15, 5.3.3.1), nil if that has not just one.
func onlySet(private []byte) []byte {
	if len(private) < 8 || private[0] != 1 || private[4]&3 != 3 || private[5]&0x1F != 1 {
		return nil
	}
	size := int(binary.BigEndian.Uint16(private[6:]))
	if size < 2 || size > len(private)-8 {
		return nil
	}
	return private[8 : 8+size]
}

// parameters are what a sequence parameter set says (ISO/IEC 14496-10, 7.3.2.1.1).
type parameters struct {
	refs   int  // pictures that one may refer to, at most
	frames bool // pictures are never coded as fields
	says   bool // they may say all the same how they are to be shown, in SEI messages
}

// fineProfiles say more of the samples in their sequence parameter sets (7.3.2.1.1).
var fineProfiles = []byte{100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}

// readSPS reads a unit. Not known: it is damaged, or of a rare kind.
func readSPS(unit []byte) (p parameters, known bool) {
	if len(unit) < 5 || unit[0]&0x1F != 7 {
		return p, false
	}
	sps := bits{rest: unescape(unit[4:])}
	sps.ue() // its number
	if slices.Contains(fineProfiles, unit[1]) {
		if sps.ue() == 3 { // chroma_format_idc
			sps.bit()
		}
		sps.ue() // bit depths
		sps.ue()
		if sps.bit(); sps.bit() == 1 { // scaling matrices
			return p, false
		}
	}
	sps.ue() // log2_max_frame_num
	switch sps.ue() {
	case 0:
		sps.ue() // log2_max_pic_order_cnt_lsb
	case 1:
		return p, false
	}
	p.refs = sps.ue()
	sps.skip(1) // gaps in the numbers of frames
	sps.ue()    // width
	sps.ue()    // height
	p.frames = sps.bit() == 1
	if !p.frames {
		sps.skip(1)
	}
	sps.skip(1)
	if sps.bit() == 1 { // cropping
		for range 4 {
			sps.ue()
		}
	}
	p.says = sps.bit() == 1 && sps.mayTell()
	return p, !sps.over
}

// severalRefs reports whether a sequence parameter set lets pictures refer to more than one other; not where it is of a
// rare kind.
func severalRefs(unit []byte) bool {
	p, known := readSPS(unit)
	return known && p.refs > 1
}

// mayTell reads video usability information (E.1.1): whether messages may say how pictures are to be shown. With
// parameters of a buffer they may: those are not read.
func (b *bits) mayTell() bool {
	if b.bit() == 1 { // the sample aspect ratio
		if b.number(8) == 255 {
			b.skip(32)
		}
	}
	if b.bit() == 1 { // overscan
		b.skip(1)
	}
	if b.bit() == 1 { // the signal: format and range, colours
		b.skip(4)
		if b.bit() == 1 {
			b.skip(24)
		}
	}
	if b.bit() == 1 { // where chroma samples lie
		b.ue()
		b.ue()
	}
	if b.bit() == 1 { // the clock
		b.skip(65)
	}
	return b.number(3) != 0 // a buffer of either kind, pic_struct_present_flag: without buffers nothing is between them
}

func (b *bits) skip(n int) { b.number(n) }

// number reads n bits; of more than fit an int, the last ones count.
func (b *bits) number(n int) (v int) {
	for range n {
		v = v<<1 | b.bit()
	}
	return v
}
