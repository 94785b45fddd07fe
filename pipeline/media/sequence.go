package media

import (
	"bytes"
	"slices"
)

// sequenceKeys reads packets that are made of start codes: MPEG-1 and -2 (ISO/IEC 13818-2, 6.2) and MPEG-4
// (ISO/IEC 14496-2, 6.2). A key frame is an I picture.
type sequenceKeys struct {
	codec  string // ffmpeg's name
	form   []byte // what the last sequence header said of the pictures' form
	change bool   // the last packet's header said something else than the one before
}

// newSequenceKeys returns nil for other codecs.
func newSequenceKeys(t *track) *sequenceKeys {
	codec := map[string]string{"V_MPEG1": "mpeg1video", "V_MPEG2": "mpeg2video", "V_MPEG4/ISO/ASP": "mpeg4"}[t.codec]
	if codec == "" {
		return nil
	}
	k := &sequenceKeys{codec: codec}
	k.form, _ = k.read(slices.Concat(t.private, []byte{0, 0, 1, 0xB7, 0, 0, 0, 0}))
	return k
}

// key takes nothing for unusual: what it does not find, it does not tell.
func (k *sequenceKeys) key(head []byte, _ int64) (key bool, err error) {
	form, key := k.read(head)
	k.change = len(form) > 0 && len(k.form) > 0 && !bytes.Equal(form, k.form)
	if len(form) > 0 {
		k.form = bytes.Clone(form)
	}
	return key, nil
}

// read returns the form that a sequence header in front of the first picture states, empty without one, and whether
// that picture is an I picture.
func (k *sequenceKeys) read(head []byte) (form []byte, key bool) {
	mpeg4 := k.codec == "mpeg4"
	for {
		_, unit, found := bytes.Cut(head, []byte{0, 0, 1})
		if !found || len(unit) < 5 {
			return form, false
		}
		head = unit[1:]
		switch code := unit[0]; {
		case mpeg4 && code >= 0x20 && code <= 0x2F: // video object layer
			layer, _, _ := bytes.Cut(head, []byte{0, 0, 1})
			form = layer
		case mpeg4 && code == 0xB6:
			return form, head[0]>>6 == 0
		case mpeg4:
		case code == 0xB3: // sizes, aspect ratio, frame rate
			form = bytes.Clone(head[:4])
		case code == 0xB5 && head[0]>>4 == 1 && form != nil: // progressive or not, chroma, the sizes' upper bits
			form = append(form, head[1]&0x0F, head[2]&0xE0)
		case code == 0: // a picture
			return form, head[1]>>3&7 == 1
		}
	}
}
