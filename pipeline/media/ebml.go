package media

import (
	"errors"
	"io"
)

func (m *matroska) skip(size int64) error {
	for size > 0 {
		n, err := m.in.Discard(int(min(size, 1<<30)))
		if m.at += int64(n); err != nil {
			return noEOF(err)
		}
		size -= int64(n)
	}
	return nil
}

func (m *matroska) number(size int64) (n int64, err error) {
	if size > 7 {
		return 0, ErrUnusual
	}
	b, err := m.bytes(size)
	for _, d := range b {
		n = n<<8 | int64(d)
	}
	return n, err
}

func (m *matroska) bytes(size int64) ([]byte, error) {
	b := make([]byte, size)
	n, err := io.ReadFull(m.in, b)
	m.at += int64(n)
	return b, noEOF(err)
}

// noEOF makes an end within an element an error.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (m *matroska) byte() (byte, error) {
	b, err := m.in.ReadByte()
	if err == nil {
		m.at++
	}
	return b, err
}

// id reads an element's number, which keeps its length mark (RFC 8794, section 5). io.EOF: there is none.
func (m *matroska) id() (uint32, error) {
	first, err := m.byte()
	if err != nil {
		return 0, err
	}
	id := uint32(first)
	for mark := byte(0x80); first&mark == 0; mark >>= 1 {
		if mark == 0x10 {
			return 0, ErrUnusual
		}
		b, err := m.byte()
		if err != nil {
			return 0, noEOF(err)
		}
		id = id<<8 | uint32(b)
	}
	return id, nil
}

// length reads a number with a length mark, unknownLength where all its bits are ones (section 6).
func (m *matroska) length() (int64, error) {
	first, err := m.byte()
	if err != nil {
		return 0, noEOF(err)
	}
	if first == 0 {
		return 0, ErrUnusual
	}
	mark, more := byte(0x80), 0
	for ; first&mark == 0; mark >>= 1 {
		more++
	}
	n, ones := int64(first&(mark-1)), first&(mark-1) == mark-1
	for range more {
		b, err := m.byte()
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
