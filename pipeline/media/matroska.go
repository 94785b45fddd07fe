package media

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// The elements of Matroska that are looked at (RFC 9559, section 5). What is not named here is passed over.
const (
	idHead        = 0x1A45DFA3
	idSegment     = 0x18538067
	idInfo        = 0x1549A966
	idTick        = 0x2AD7B1 // TimestampScale
	idTracks      = 0x1654AE6B
	idTrack       = 0xAE
	idNumber      = 0xD7
	idKind        = 0x83 // TrackType
	idCodec       = 0x86
	idPrivate     = 0x63A2
	idEncodings   = 0x6D80
	idDelay       = 0x56AA   // CodecDelay
	idTrackScale  = 0x23314F // TrackTimestampScale
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
	idDuration    = 0x9B // BlockDuration
	idAttachments = 0x1941A469
	idAttached    = 0x61A7 // AttachedFile
	idFileData    = 0x465C
	idSeekHead    = 0x114D9B74
	idSeek        = 0x4DBB
	idSeekID      = 0x53AB
	idCues        = 0x1C53BB6B
)

// parents tells what each of them stands in; 0: in nothing.
var parents = map[uint32]uint32{
	idHead: 0, idSegment: 0, idInfo: idSegment, idTick: idInfo, idTracks: idSegment, idTrack: idTracks,
	idNumber: idTrack, idKind: idTrack, idCodec: idTrack, idPrivate: idTrack, idEncodings: idTrack, idDelay: idTrack,
	idTrackScale: idTrack,
	idVideo:      idTrack, idWidth: idVideo, idHeight: idVideo, idInterlaced: idVideo, idFieldOrder: idVideo,
	idCluster: idSegment, idClusterTime: idCluster, idSimpleBlock: idCluster, idBlockGroup: idCluster,
	idBlock: idBlockGroup, idDuration: idBlockGroup,
	idAttachments: idSegment, idAttached: idAttachments, idFileData: idAttached,
	idSeekHead: idSegment, idSeek: idSeekHead, idSeekID: idSeek, idCues: idSegment,
}

const (
	readSize      = 256 << 10
	maxPrivate    = 64 << 10 // bytes of a codec's private data: many times what any picture codec has
	maxTracks     = 256
	videoKind     = 1
	soundKind     = 2
	fileKind      = -1      // no track's
	lacing        = 0x06    // of a block's flags
	nsPerMatroska = 1000000 // ns in a tick, as nearly all files have it
	unknownLength = -1
)

// ErrUnusual is for what Matroska allows, and what it does not, beyond what is plainly understood here: ffprobe
// has to read it.
var ErrUnusual = errors.New("not a plain Matroska file")

// matroska reads one file from front to end, and hands every block to take.
type matroska struct {
	in     *bufio.Reader
	at     int64       // bytes that were taken
	open   []container // what the next element may stand in, from the outermost on
	tracks []*track
	files  []*track // attachments, as ffmpeg sees them: streams behind all tracks
	time   int64    // of the present cluster, -1: not known yet
	cues   bool     // there are some, or are said to be
	newest *track   // whose block came last, if none of it is shown later
	take   func(b block) error
}

// container is an element that others stand in.
type container struct {
	id  uint32
	end int64 // unknownLength: where an element comes that can't stand in it
}

// track is a TrackEntry.
type track struct {
	number, kind  int64
	codec         string // Matroska's name
	private       []byte
	width, height int
	fieldOrder    string    // ffmpeg's name; empty where the file says nothing
	delay         int64     // CodecDelay, nanoseconds
	latest        int64     // of its blocks' timestamps, ticks
	lasts         int64     // how long that block is shown, ticks; 0: the file does not say
	keys          keyFinder // of a video, once it was asked for
	odd           bool      // its packets are not what its blocks hold, or are shown at other times
}

// block is a packet of a track, unless it is laced, which is several; or an attachment's data. Until take returns,
// packet and sum read its payload, which ends at end.
type block struct {
	track *track
	pts   int64 // ticks
	laced bool
	end   int64
}

// readMatroska hands over all blocks of a file. io.ErrUnexpectedEOF: the file is cut off.
func readMatroska(r io.Reader, take func(m *matroska, b block) error) error {
	m := &matroska{in: bufio.NewReaderSize(r, readSize), time: -1}
	m.take = func(b block) error { return take(m, b) }
	if magic, err := m.in.Peek(4); err != nil || binary.BigEndian.Uint32(magic) != idHead {
		return ErrUnusual
	}
	for {
		id, size, err := m.next()
		if errors.Is(err, io.EOF) && m.bound() == unknownLength {
			return nil
		}
		if err == nil {
			err = m.element(id, size)
		}
		if err != nil {
			return fmt.Errorf("element %X: %w", id, noEOF(err))
		}
	}
}

// next reads how an element begins, and leaves what has ended before it. io.EOF: there is none.
func (m *matroska) next() (id uint32, size int64, err error) {
	for len(m.open) > 0 && m.open[len(m.open)-1].end == m.at {
		m.open = m.open[:len(m.open)-1]
	}
	if id, err = m.id(); err == nil {
		size, err = m.length()
	}
	return id, size, err
}

// bound is where an element that comes now must have ended.
func (m *matroska) bound() int64 {
	for _, outer := range slices.Backward(m.open) {
		if outer.end != unknownLength {
			return outer.end
		}
	}
	return unknownLength
}

// place reports whether an element may come here. It ends containers of unknown length that it can't stand in.
func (m *matroska) place(id uint32, size int64) error {
	parent, known := parents[id]
	for known && len(m.open) > 0 && m.open[len(m.open)-1].id != parent {
		if m.open[len(m.open)-1].end != unknownLength {
			return ErrUnusual
		}
		m.open = m.open[:len(m.open)-1]
	}
	if len(m.open) == 0 && (!known || parent != 0 || id == idSegment && m.tracks != nil) {
		return ErrUnusual
	}
	if end := m.bound(); end != unknownLength && size != unknownLength && size > end-m.at {
		return ErrUnusual
	}
	return nil
}

func (m *matroska) element(id uint32, size int64) error {
	if err := m.place(id, size); err != nil {
		return err
	}
	switch id {
	case idCluster:
		m.time = -1
	case idTrack:
		if m.tracks = append(m.tracks, &track{}); len(m.tracks) > maxTracks {
			return ErrUnusual
		}
	case idAttached:
		if m.files = append(m.files, &track{kind: fileKind}); len(m.files) > maxTracks {
			return ErrUnusual
		}
	}
	switch id {
	case idSegment, idCluster, idInfo, idTracks, idTrack, idVideo, idBlockGroup, idAttachments, idAttached, idSeekHead,
		idSeek:
		end := m.at + size
		if size == unknownLength {
			end = unknownLength
		}
		m.open = append(m.open, container{id, end})
		return nil // what is in it comes next
	}
	switch {
	case size == unknownLength:
		return ErrUnusual
	case id == idSimpleBlock || id == idBlock:
		return m.block(size)
	case id == idFileData:
		return m.hand(block{track: m.files[len(m.files)-1], pts: NoPTS, end: m.at + size})
	case id == idSeekID:
		n, err := m.number(size)
		m.cues = m.cues || n == idCues
		return err
	case id == idCues:
		m.cues = true
		return m.skip(size)
	case id == idTick:
		n, err := m.number(size)
		if err == nil && n != nsPerMatroska {
			err = ErrUnusual
		}
		return err
	case id == idDuration:
		n, err := m.number(size)
		if m.newest != nil {
			m.newest.lasts = n
		}
		return err
	case id == idClusterTime:
		n, err := m.number(size)
		m.time = n
		return err
	case parents[id] == idTrack || parents[id] == idVideo:
		return m.describe(m.tracks[len(m.tracks)-1], id, size)
	}
	return m.skip(size)
}

// describe takes an element of a track.
func (m *matroska) describe(t *track, id uint32, size int64) error {
	switch id {
	case idCodec, idPrivate:
		if size > maxPrivate {
			t.odd = true
			return m.skip(size)
		}
		b, err := m.bytes(size)
		if id == idCodec {
			t.codec = string(b)
		} else {
			t.private = b
		}
		return err
	case idEncodings:
		t.odd = true
		return m.skip(size)
	case idTrackScale: // 1.0 is what it always is
		b, err := m.in.Peek(int(min(size, 8)))
		t.odd = t.odd || string(b) != "\x3F\x80\x00\x00" && string(b) != "\x3F\xF0\x00\x00\x00\x00\x00\x00"
		return errors.Join(noEOF(err), m.skip(size))
	}
	n, err := m.number(size)
	switch id {
	case idNumber:
		t.number = n
	case idKind:
		t.kind = n
	case idDelay:
		t.delay = n
	case idWidth:
		t.width = int(n)
	case idHeight:
		t.height = int(n)
	case idInterlaced, idFieldOrder:
		if order, known := fieldOrders[[2]int64{int64(id), n}]; known {
			t.fieldOrder = order
		}
	}
	return err
}

// fieldOrders gives ffmpeg's names to what the two elements say.
var fieldOrders = map[[2]int64]string{
	{idInterlaced, 2}: "progressive",
	{idFieldOrder, 0}: "progressive", {idFieldOrder, 1}: "tt", {idFieldOrder, 6}: "bb", {idFieldOrder, 9}: "tb",
	{idFieldOrder, 14}: "bt",
}

// block reads a block: its track's number, the time since the cluster's, flags, payload (RFC 9559, 10.2).
func (m *matroska) block(size int64) error {
	end := m.at + size
	number, err := m.length()
	if err != nil {
		return err
	}
	head, err := m.in.Peek(3)
	if err != nil {
		return noEOF(err)
	}
	i := slices.IndexFunc(m.tracks, func(t *track) bool { return t.number == number })
	b := block{pts: m.time + int64(int16(binary.BigEndian.Uint16(head))), laced: head[2]&lacing != 0, end: end}
	if err := m.skip(3); err != nil {
		return err
	}
	if i < 0 || m.at > end || m.time < 0 || b.pts < 0 {
		return ErrUnusual
	}
	b.track = m.tracks[i]
	if m.newest = nil; b.pts >= b.track.latest {
		m.newest = b.track
		b.track.latest, b.track.lasts = b.pts, 0
	}
	return m.hand(b)
}

// hand hands a block over, and passes over what was not read of it.
func (m *matroska) hand(b block) error {
	if err := m.take(b); err != nil {
		return err
	}
	return m.skip(b.end - m.at)
}

// sum reads the rest of a block's payload.
func (m *matroska) sum(b block) (crc uint32, err error) {
	for m.at < b.end {
		part, err := m.in.Peek(int(min(b.end-m.at, max(1, int64(m.in.Buffered())))))
		if err != nil {
			return 0, noEOF(err)
		}
		crc = crc32.Update(crc, crc32.IEEETable, part)
		if err := m.skip(int64(len(part))); err != nil {
			return 0, err
		}
	}
	return crc, nil
}
