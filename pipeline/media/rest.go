package media

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/distenc/distenc/lease/sharefs"
)

// The elements that a rest is made of or leaves out, beside those that all readings look at.
const (
	idVoid         = 0xEC
	idCRC          = 0xBF
	idPosition     = 0xA7
	idPrevSize     = 0xAB
	idSilent       = 0x5854
	idSeekPosition = 0x53AC
)

const (
	eightBytes = 0x01            // begins a length of eight bytes
	seekRoom   = 256             // what is kept free for the rest's SeekHead
	seekSize   = 21              // a Seek with an ID of four bytes and a position of eight
	maxSeeks   = 10              // fit into that, beside its own head
	maxCluster = 64 << 20        // of what a cluster holds beside the video
	groupHead  = 64              // bytes of a BlockGroup in which its Block must begin
	segmentEnd = 4 + 8           // a Segment's ID and length
	headIDs    = uint32(1) << 24 // IDs of level 1 have four bytes
)

// CopyRest writes to a new file at rest what a Matroska file holds beside its only video track: every element as it is,
// but the video's blocks, and what says where in the file others stand. ErrUnusual where the file is not plainly
// understood. After an error an empty file may be left.
func CopyRest(ctx context.Context, path, rest string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(rest, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(writeRest(sharefs.UntilDone(ctx, in), out), out.Close())
	if err != nil { // a full disk needs the room; on NFS only Close may tell of it
		err = errors.Join(err, empty(rest))
	}
	return err
}

func empty(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// restWriter copies one file.
type restWriter struct {
	m       *matroska // not read by elements, but by what they are made of
	out     *os.File
	at      int64       // in out
	places  []restPlace // of level 1, for the SeekHead
	video   int64       // the video track's number
	cluster bytes.Buffer
}

// restPlace is where an element of level 1 stands, counted from the Segment's first.
type restPlace struct {
	id uint32
	at int64
}

// writeRest returns ErrUnusual for what is not plainly understood.
func writeRest(r io.Reader, out *os.File) error {
	w := &restWriter{m: &matroska{in: bufio.NewReaderSize(r, readSize)}, out: out}
	id, size, err := w.m.next()
	if err != nil || id != idHead {
		return errors.Join(ErrUnusual, err)
	}
	if err := w.copy(id, size); err != nil {
		return err
	}
	if id, size, err = w.m.next(); err != nil || id != idSegment {
		return errors.Join(ErrUnusual, err)
	}
	end, known := w.m.at+size, size != unknownLength
	begins := w.at + segmentEnd
	if err := w.write(make([]byte, segmentEnd+seekRoom)); err != nil {
		return err
	}
	for {
		id, size, err := w.m.next()
		if errors.Is(err, io.EOF) && (!known || end == w.m.at) {
			return w.finish(begins)
		}
		if err == nil && known && size > end-w.m.at { // what is behind the Segment is not of the film
			err = ErrUnusual
		}
		if err == nil {
			err = w.element(id, size, begins)
		}
		if err != nil {
			return fmt.Errorf("element %X: %w", id, noEOF(err))
		}
	}
}

// element takes one of level 1.
func (w *restWriter) element(id uint32, size, begins int64) error {
	switch id {
	case idSegment:
		return ErrUnusual
	case idSeekHead, idCues, idVoid, idCRC:
		if size == unknownLength {
			return ErrUnusual
		}
		return w.m.skip(size)
	case idCluster:
		return w.copyCluster(size)
	}
	if id >= headIDs {
		if len(w.places) == maxSeeks { // behind the clusters it would not be found
			return ErrUnusual
		}
		w.places = append(w.places, restPlace{id, w.at - begins})
	}
	if id == idTracks {
		return w.tracks(size)
	}
	return w.copy(id, size)
}

// tracks copies them, and finds the video's number.
func (w *restWriter) tracks(size int64) error {
	if size < 0 || size > maxCluster || w.video != 0 {
		return ErrUnusual
	}
	all, err := w.m.bytes(size)
	if err != nil {
		return err
	}
	found, err := tracksOf(all)
	if err != nil {
		return noEOF(err)
	}
	for _, t := range found {
		if t.kind == videoKind && w.video != 0 {
			return ErrUnusual
		}
		if t.kind == videoKind {
			w.video = t.number
		}
	}
	return w.write(append(header(idTracks, size), all...))
}

// tracksOf reads what the element Tracks holds.
func tracksOf(all []byte) ([]*track, error) {
	m := &matroska{in: bufio.NewReader(bytes.NewReader(all)),
		open: []container{{idSegment, unknownLength}, {idTracks, int64(len(all))}}}
	for m.at < int64(len(all)) {
		id, size, err := m.next()
		if err == nil {
			err = m.element(id, size)
		}
		if err != nil {
			return nil, err
		}
	}
	return m.tracks, nil
}

// copyCluster leaves out the video's blocks, and a cluster with nothing else.
func (w *restWriter) copyCluster(size int64) error {
	if size == unknownLength || w.video == 0 {
		return ErrUnusual
	}
	w.cluster.Reset()
	blocks := 0
	for end := w.m.at + size; w.m.at < end; {
		id, size, err := w.m.next()
		if err != nil {
			return noEOF(err)
		}
		if size < 0 || size > end-w.m.at {
			return ErrUnusual
		}
		keep, err := w.kept(id, size)
		if err == nil {
			err = w.part(id, size, keep)
		}
		if err != nil {
			return noEOF(err)
		}
		if keep && id != idClusterTime {
			blocks++
		}
	}
	if blocks == 0 {
		return nil
	}
	return errors.Join(w.write(header(idCluster, int64(w.cluster.Len()))), w.write(w.cluster.Bytes()))
}

// kept reports whether a cluster's element is part of the rest.
func (w *restWriter) kept(id uint32, size int64) (bool, error) {
	switch id {
	case idSimpleBlock, idBlockGroup:
		number, err := w.number(id, size)
		return number != w.video, err
	case idClusterTime:
		return true, nil
	case idPosition, idPrevSize, idVoid, idCRC, idSilent:
		return false, nil
	}
	return false, ErrUnusual
}

// part takes a cluster's element.
func (w *restWriter) part(id uint32, size int64, keep bool) error {
	if !keep {
		return w.m.skip(size)
	}
	if int64(w.cluster.Len())+size > maxCluster {
		return ErrUnusual
	}
	w.cluster.Write(header(id, size))
	n, err := io.CopyN(&w.cluster, w.m.in, size)
	w.m.at += n
	return err
}

// number looks at the track's number of a block that comes next, without taking it.
func (w *restWriter) number(id uint32, size int64) (int64, error) {
	head, err := w.m.in.Peek(int(min(size, groupHead)))
	if err != nil {
		return 0, noEOF(err)
	}
	in := &matroska{in: bufio.NewReaderSize(bytes.NewReader(head), groupHead)}
	for id != idSimpleBlock && id != idBlock {
		var length int64
		if id, length, err = in.next(); err == nil && id != idBlock {
			err = in.skip(length)
		}
		if err != nil {
			return 0, ErrUnusual
		}
	}
	number, err := in.length()
	if err != nil {
		return 0, ErrUnusual
	}
	return number, nil
}

// copy copies an element as it is.
func (w *restWriter) copy(id uint32, size int64) error {
	if size == unknownLength {
		return ErrUnusual
	}
	if err := w.write(header(id, size)); err != nil {
		return err
	}
	n, err := io.CopyN(w.out, w.m.in, size)
	w.at, w.m.at = w.at+n, w.m.at+n
	return noEOF(err)
}

func (w *restWriter) write(b []byte) error {
	n, err := w.out.Write(b)
	w.at += int64(n)
	return err
}

// finish writes what is known at the end: the Segment's length and its SeekHead, without which chapters and tags behind
// the clusters are not found.
func (w *restWriter) finish(begins int64) error {
	head := header(idSegment, w.at-begins)
	var seeks []byte
	for _, p := range w.places {
		seeks = append(seeks, seek(p)...)
	}
	head = append(append(head, header(idSeekHead, int64(len(seeks)))...), seeks...)
	free := segmentEnd + seekRoom - len(head) - 9 // behind the Void's own head
	head = append(append(append(head, idVoid), header(0, int64(free))[4:]...), make([]byte, free)...)
	_, err := w.out.WriteAt(head, begins-segmentEnd)
	return err
}

func seek(p restPlace) []byte {
	b := []byte{idSeek >> 8, idSeek & 0xFF, 0x80 | seekSize - 3, idSeekID >> 8, idSeekID & 0xFF, 0x84}
	b = binary.BigEndian.AppendUint32(b, p.id)
	b = append(b, idSeekPosition>>8, idSeekPosition&0xFF, 0x88)
	return binary.BigEndian.AppendUint64(b, uint64(p.at))
}

// header is an element's ID, as short as it is, and a length of eight bytes.
func header(id uint32, size int64) []byte {
	b := binary.BigEndian.AppendUint32(nil, id)
	for id != 0 && len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	b = binary.BigEndian.AppendUint64(b, uint64(size))
	b[len(b)-8] = eightBytes
	return b
}
