package media

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// The elements of Matroska that ffmpeg writes of a single track (RFC 9559, section 5). Masters are entered,
// what is not named here is passed over.
const (
	idSegment     = 0x18538067
	idInfo        = 0x1549A966
	idTick        = 0x2AD7B1 // TimestampScale
	idTracks      = 0x1654AE6B
	idTrack       = 0xAE
	idCodec       = 0x86
	idPrivate     = 0x63A2
	idEncodings   = 0x6D80
	idVideo       = 0xE0
	idWidth       = 0xB0
	idHeight      = 0xBA
	idInterlaced  = 0x9A // FlagInterlaced
	idFieldOrder  = 0x9D
	idCluster     = 0x1F43B675
	idClusterTime = 0xE7
	idBlockGroup  = 0xA0
	idBlock       = 0xA1
	idSimpleBlock = 0xA3
	maxElement    = 64 << 20 // bytes kept of one: more than any picture
	trackOne      = 0x81     // a block's first byte
	lacing        = 0x06     // of a block's flags
	nsPerMatroska = 1000000  // ns in a tick, as ffmpeg writes it
	unknownLength = -1
)

// errUnusual is for what Matroska allows and our own ffmpeg does not write: ffprobe has to read it.
var errUnusual = errors.New("not the Matroska that is written here")

// clipReader reads one file from front to end.
type clipReader struct {
	in    *bufio.Reader
	clip  *Clip
	fold  *Fold // nil: nobody asks for the payloads
	time  int64 // of the present cluster
	block []byte
}

// readMatroska fills in what the elements tell. io.ErrUnexpectedEOF: the file is cut off.
func readMatroska(r io.Reader, clip *Clip, fold *Fold) error {
	c := &clipReader{in: bufio.NewReaderSize(r, 256<<10), clip: clip, fold: fold}
	clip.TimeBase = Rational{1, 1000}
	if magic, err := c.in.Peek(4); err != nil || [4]byte(magic) != [4]byte{0x1A, 0x45, 0xDF, 0xA3} {
		return errUnusual
	}
	for {
		id, err := c.id()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		size, err := c.length()
		if err == nil {
			err = c.element(id, size)
		}
		if err != nil {
			return fmt.Errorf("element %X: %w", id, noEOF(err))
		}
	}
}

func (c *clipReader) element(id uint32, size int64) error {
	switch id {
	case idSegment, idCluster, idInfo, idTracks, idVideo, idBlockGroup:
		return nil // what is in it comes next
	case idTrack:
		c.clip.Streams++
		return nil
	}
	if size == unknownLength {
		return errUnusual
	}
	switch id {
	case idTick:
		if n, err := c.number(size); err != nil || n != nsPerMatroska {
			return errors.Join(errUnusual, err)
		}
		return nil
	case idEncodings:
		return errUnusual
	case idWidth:
		return c.into(&c.clip.Width, size)
	case idHeight:
		return c.into(&c.clip.Height, size)
	case idInterlaced, idFieldOrder:
		n, err := c.number(size)
		if order, known := fieldOrders[[2]int64{int64(id), n}]; known {
			c.clip.FieldOrder = order
		}
		return err
	case idClusterTime:
		n, err := c.number(size)
		c.time = n
		return err
	case idCodec, idPrivate:
		b, err := c.bytes(size)
		if id == idCodec {
			c.clip.Codec = matroskaCodecs[string(b)]
		} else {
			sum := sha256.Sum256(b)
			c.clip.Extradata = hex.EncodeToString(sum[:])
		}
		return err
	case idSimpleBlock, idBlock:
		return c.packet(size)
	}
	return c.skip(size)
}

func (c *clipReader) skip(size int64) error {
	_, err := io.CopyN(io.Discard, c.in, size)
	return err
}

// matroskaCodecs gives ffmpeg's names.
var matroskaCodecs = map[string]string{"V_MPEG4/ISO/AVC": "h264"}

// fieldOrders gives ffmpeg's names to what the two elements say.
var fieldOrders = map[[2]int64]string{
	{idInterlaced, 2}: "progressive",
	{idFieldOrder, 0}: "progressive", {idFieldOrder, 1}: "tt", {idFieldOrder, 6}: "bb", {idFieldOrder, 9}: "tb", {idFieldOrder, 14}: "bt",
}

// packet reads a block: its track's number, the time since the cluster's, flags, payload (RFC 9559, 10.2).
func (c *clipReader) packet(size int64) error {
	var head [4]byte
	if size < int64(len(head)) {
		return errUnusual
	}
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return err
	}
	if head[0] != trackOne || head[3]&lacing != 0 {
		return errUnusual
	}
	c.clip.PTS = append(c.clip.PTS, c.time+int64(int16(binary.BigEndian.Uint16(head[1:]))))
	size -= int64(len(head))
	if c.fold == nil {
		return c.skip(size)
	}
	b, err := c.bytes(size)
	if err == nil {
		c.fold.Add(crc32.ChecksumIEEE(b))
	}
	return err
}

func (c *clipReader) into(v *int, size int64) error {
	n, err := c.number(size)
	*v = int(n)
	return err
}

func (c *clipReader) number(size int64) (n int64, err error) {
	if size > 7 {
		return 0, errUnusual
	}
	b, err := c.bytes(size)
	for _, d := range b {
		n = n<<8 | int64(d)
	}
	return n, err
}

// bytes is valid until the next call.
func (c *clipReader) bytes(size int64) ([]byte, error) {
	if size > maxElement {
		return nil, errUnusual
	}
	if int64(cap(c.block)) < size {
		c.block = make([]byte, size+size/2)
	}
	c.block = c.block[:size]
	_, err := io.ReadFull(c.in, c.block)
	return c.block, noEOF(err)
}

// noEOF makes an end within an element an error.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// id reads an element's number, which keeps its length mark (RFC 8794, section 5). io.EOF: there is none.
func (c *clipReader) id() (uint32, error) {
	first, err := c.in.ReadByte()
	if err != nil {
		return 0, err
	}
	id := uint32(first)
	for mark := byte(0x80); first&mark == 0; mark >>= 1 {
		if mark == 0x10 {
			return 0, errUnusual
		}
		b, err := c.in.ReadByte()
		if err != nil {
			return 0, noEOF(err)
		}
		id = id<<8 | uint32(b)
	}
	return id, nil
}

// length reads how many bytes follow, unknownLength where all of them are ones (section 6).
func (c *clipReader) length() (int64, error) {
	first, err := c.in.ReadByte()
	if err != nil {
		return 0, noEOF(err)
	}
	if first == 0 {
		return 0, errUnusual
	}
	mark, more := byte(0x80), 0
	for ; first&mark == 0; mark >>= 1 {
		more++
	}
	n, ones := int64(first&(mark-1)), first&(mark-1) == mark-1
	for range more {
		b, err := c.in.ReadByte()
		if err != nil {
			return 0, noEOF(err)
		}
		n, ones = n<<8|int64(b), ones && b == 0xFF
	}
	if ones {
		return unknownLength, nil
	}
	return n, nil
}
