//go:build linux

package farm_test

import (
	"bytes"
	"compress/zlib"
	endian "encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// element is one EBML element (RFC 8794): its ID as it is written, and what is in it.
func element(id uint64, content ...any) []byte {
	var body []byte
	for _, c := range content {
		switch c := c.(type) {
		case []byte:
			body = append(body, c...)
		case string:
			body = append(body, c...)
		case int:
			body = endian.BigEndian.AppendUint64(body, uint64(c))
		default:
			panic(fmt.Sprintf("an element can't hold %T", c))
		}
	}
	var name []byte
	for ; id > 0; id >>= 8 {
		name = append([]byte{byte(id)}, name...)
	}
	size := endian.BigEndian.AppendUint64(nil, uint64(len(body))|1<<56)
	return append(append(name, size...), body...)
}

// The elements that are used here (RFC 9559).
const (
	idEBML, idDocType, idSegment, idInfo, idScale = 0x1A45DFA3, 0x4282, 0x18538067, 0x1549A966, 0x2AD7B1
	idUID, idPrevFile, idNextUID, idNextFile      = 0x73A4, 0x3C83AB, 0x3EB923, 0x3E83BB
	idTracks, idTrack, idNumber, idTrackUID       = 0x1654AE6B, 0xAE, 0xD7, 0x73C5
	idType, idCodec, idVideo, idWidth, idHeight   = 0x83, 0x86, 0xE0, 0xB0, 0xBA
	idColour, idDuration                          = 0x2EB524, 0x23E383
	idEncodings, idEncoding, idCompression        = 0x6D80, 0x6240, 0x5034
	idAlgorithm, idSettings                       = 0x4254, 0x4255
	idCluster, idTime, idSimpleBlock, idGroup     = 0x1F43B675, 0xE7, 0xA3, 0xA0
	idBlock, idBlockDuration                      = 0xA1, 0x9B
	idTags, idTag, idSimpleTag, idName, idString  = 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x4487
	idChapters, idEdition, idAtom, idOrdered      = 0x1043A770, 0x45B9, 0xB6, 0x45DD
	idChapterUID, idStart, idEnd, idSegmentUID    = 0x73C4, 0x91, 0x92, 0x6E67
)

const side = 64 // of the crafted pictures, in pixels

// crafted is a Matroska file with a few uncompressed pictures and whatever else is given: head in front of the
// tracks, track among them, rest at the end.
func crafted(width, height int, head, track []byte, rest ...[]byte) []byte {
	video := element(idTrack, element(idNumber, 1), element(idTrackUID, 1), element(idType, 1),
		element(idCodec, "V_UNCOMPRESSED"),
		element(idDuration, 40_000_000), element(idVideo, element(idWidth, width), element(idHeight, height),
			element(idColour, "I420")))
	var cluster []byte
	cluster = append(cluster, element(idTime, 0)...)
	for i := range 3 {
		picture := bytes.Repeat([]byte{byte(50 + 40*i)}, side*side*3/2)
		cluster = append(cluster, element(idSimpleBlock, []byte{0x81, 0, byte(40 * i), 0x80}, picture)...)
	}
	segment := [][]byte{element(idInfo, element(idScale, 1_000_000)), head, element(idTracks, video, track),
		element(idCluster, cluster)}
	return append(element(idEBML, element(idDocType, "matroska")),
		element(idSegment, bytes.Join(append(segment, rest...), nil))...)
}

// subtitles is a text track that is compressed in one of Matroska's ways.
func subtitles(algorithm int, settings []byte) []byte {
	return element(idTrack, element(idNumber, 2), element(idTrackUID, 2), element(idType, 0x11),
		element(idCodec, "S_TEXT/UTF8"),
		element(idEncodings, element(idEncoding, element(idCompression, element(idAlgorithm, algorithm),
			element(idSettings, settings)))))
}

func line(at int, text []byte) []byte {
	return element(idGroup, element(idBlock, []byte{0x82, byte(at >> 8), byte(at), 0}, text), element(idBlockDuration, 1))
}

// zlibBomb is a subtitle of size bytes that takes a thousandth of them.
func zlibBomb(t *testing.T, size int64) []byte {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, err := io.CopyN(w, spaces{}, size)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return crafted(side, side, nil, subtitles(0, nil), element(idCluster, element(idTime, 200), line(0, packed.Bytes())))
}

type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// headerBomb has blocks of one byte, each of which stands for a whole header more.
func headerBomb(header, blocks int) []byte {
	cluster := element(idTime, 200)
	for i := range blocks {
		cluster = append(cluster, line(i, []byte{'x'})...)
	}
	noise := make([]byte, header)
	for i := range noise { // not to be compressed again on its way
		noise[i] = "0123456789abcdef"[(i*i>>3^i*7)&15]
	}
	return crafted(side, side, nil, subtitles(3, noise), element(idCluster, cluster))
}

// nested has tags within tags.
func nested(depth int) []byte {
	name := element(idName, "A")
	// From the inside out, without copying what is inside again and again.
	size := len(name)
	var heads [][]byte
	for range depth {
		head := append([]byte{0x67, 0xC8}, endian.BigEndian.AppendUint64(nil, uint64(size)|1<<56)...)
		heads = append(heads, append(head, name...))
		size += len(head) + len(name)
	}
	var tag []byte
	for i := len(heads) - 1; i >= 0; i-- {
		tag = append(tag, heads[i]...)
	}
	return crafted(side, side, nil, nil, element(idTags, element(idTag, tag, element(idString, "x"))))
}

// linked says that it goes on in other files, and that its chapters are played from there.
func linked(other string) []byte {
	more := bytes.Join([][]byte{element(idUID, strings.Repeat("a", 16)), element(idPrevFile, other),
		element(idNextUID, strings.Repeat("b", 16)), element(idNextFile, other)}, nil)
	return crafted(side, side, append(element(idInfo, more), chapters(element(idSegmentUID, strings.Repeat("b", 16)))...),
		nil)
}

// chapters is an ordered edition of one chapter.
func chapters(more []byte) []byte {
	atom := element(idAtom, element(idChapterUID, 7), element(idStart, 0), element(idEnd, 80_000_000), more)
	return element(idChapters, element(idEdition, element(idOrdered, 1), atom))
}

// withReference makes a QuickTime file's video point to another file by an alias (QuickTime File Format, "Data
// Reference Atoms"). moov must stand behind mdat.
func withReference(t *testing.T, mov []byte, other string) []byte {
	t.Helper()
	body := make([]byte, 10, 200)
	body = append(body, byte(len("disk")))
	body = append(body, "disk"...)
	body = append(body, make([]byte, 27-4+12)...)
	body = append(body, byte(len("film.mov")))
	body = append(body, "film.mov"...)
	body = append(body, make([]byte, 63-8+16)...)
	body = append(body, 0, 0, 0, 0)
	body = append(body, make([]byte, 16)...)
	if len(other)%2 != 0 {
		other = "/" + other
	}
	body = append(body, 0, 2, byte(len(other)>>8), byte(len(other)))
	body = append(append(body, other...), 0xFF, 0xFF, 0, 0)
	alias := append([]byte("alis\x00\x00\x00\x00"), body...)
	alias = append(endian.BigEndian.AppendUint32(nil, uint32(len(alias)+4)), alias...)
	url := []byte("\x00\x00\x00\x0curl \x00\x00\x00\x01")
	at := bytes.Index(mov, url)
	require.Positive(t, at)
	grown := uint32(len(alias) - len(url))
	out := append(append(append([]byte{}, mov[:at]...), alias...), mov[at+len(url):]...)
	for _, box := range []string{"moov", "trak", "mdia", "minf", "dinf", "dref"} {
		i := bytes.LastIndex(out[:at], []byte(box))
		require.Positive(t, i, box)
		endian.BigEndian.PutUint32(out[i-4:], endian.BigEndian.Uint32(out[i-4:])+grown)
	}
	return out
}
