package master

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/distenc/distenc/lease/sharefs"
)

// single refuses a file with other names, as the watcher does with films: whoever writes to one of those would change
// what is published, and may not be allowed to read it.
func (m *Master) single(name string) error {
	st, err := m.FS.Stat(name)
	if err == nil && sharefs.Links(st) > 1 {
		err = fmt.Errorf("it has %d names (hard links), and none of them is in the outbox", sharefs.Links(st))
	}
	return err
}

// maxCompanion limits the bytes of a companion that are copied or compared. A link costs nothing.
const maxCompanion = 1 << 30

// copyWhole copies a companion that nobody changes meanwhile.
func (w *jobTask) copyWhole(ctx context.Context, from, to string) error {
	in, err := w.FS.OpenRead(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	before, err := in.Stat()
	if err != nil {
		return err
	}
	if !w.films.hasSettled(from) {
		return errors.New("it may still be written")
	}
	if before.Size() > maxCompanion {
		return fmt.Errorf("it belongs to another user, can't be linked, and is too large to be copied (%d bytes)",
			before.Size())
	}
	n, err := w.FS.CreateFrom(ctx, to, in)
	if err != nil {
		return err
	}
	after, err := w.FS.Stat(from)
	if err != nil || n != before.Size() || !after.ModTime().Equal(before.ModTime()) || !sharefs.SameFile(before, after) {
		return errors.Join(err, errors.New("it is still being written"))
	}
	if w.job.Settings.Dates {
		w.keepDate(to, before.ModTime())
	}
	return nil
}

// same reports whether two names are of one file, or of two with the same content. What is not there is fs.ErrNotExist
// if it is the second one.
func (m *Master) same(ctx context.Context, a, b string) (bool, error) {
	y, err := m.FS.Stat(b)
	if err != nil {
		return false, err
	}
	x, err := m.FS.Stat(a)
	if err != nil {
		return false, fmt.Errorf("it is gone: %v", err)
	}
	if sharefs.SameFile(x, y) {
		return true, nil
	}
	if !y.Mode().IsRegular() || x.Size() != y.Size() || x.Size() > maxCompanion {
		return false, nil
	}
	one, err := m.FS.OpenRead(a)
	if err != nil {
		return false, err
	}
	defer func() { _ = one.Close() }()
	two, err := m.FS.OpenRead(b)
	if err != nil {
		return false, err
	}
	defer func() { _ = two.Close() }()
	return equal(sharefs.UntilDone(ctx, one), sharefs.UntilDone(ctx, two))
}

// equal compares two readers of the same length.
func equal(a, b io.Reader) (bool, error) {
	x, y := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, err := io.ReadFull(a, x)
		k, err2 := io.ReadFull(b, y)
		if !bytes.Equal(x[:n], y[:k]) {
			return false, nil
		}
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return err2 == err, nil
		case err != nil || err2 != nil:
			return false, errors.Join(err, err2)
		}
	}
}
