package sharefs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// publishLimit is the size in bytes of what PublishData reads back: the largest plan has a few megabytes.
const publishLimit = 64 << 20

// Publish gives the finished file tmp the name that several may want, by a link: the first one wins and
// nothing is ever overwritten. ours says whether name is tmp, found out by looking (the same inode), so
// an answer that was lost does not matter. Not ours and no error: somebody else was first. tmp stays.
//
// Who acts on the name calls Durable(name) first.
func (f *FS) Publish(tmp, name string) (ours bool, err error) {
	err = f.syncFile(tmp)
	if err == nil {
		ours, err = f.link(tmp, name)
	}
	if err != nil {
		return false, fmt.Errorf("cannot publish %q as %q: %w", tmp, name, err)
	}
	return ours, nil
}

func (f *FS) link(tmp, name string) (ours bool, err error) {
	linkErr := f.ops.Link(tmp, name)
	theirs, err := f.statNew(name)
	switch {
	case err != nil && linkErr != nil:
		return false, fmt.Errorf("%w (%v)", linkErr, err) // nobody's is there: the link's error says why
	case err != nil:
		return false, err
	}
	mine, err := f.stat(tmp)
	if err != nil {
		return false, err
	}
	if !SameFile(mine, theirs) {
		if linkErr == nil { // counted as somebody else's, it would be linked under one free name after the other, for ever
			return false, ErrInodes
		}
		return false, nil
	}
	return true, nil
}

// ErrInodes is the error for a file system on which nobody can find out whose a name is.
var ErrInodes = errors.New("a hard link was made and shows another inode than its file: " +
	"mount the share so that it shows the true ones (mergerfs: use_ino, and not inodecalc=path-hash; SMB: serverino)")

// CheckLinks tries in the folder dir what Publish relies on; ErrInodes among others says that the share can't be used.
func (f *FS) CheckLinks(dir string) error {
	tmp := temporary(path.Join(dir, "links"))
	if err := f.Create(tmp, nil); err != nil {
		return err
	}
	_, err := f.Publish(tmp, tmp+".tmp") // ours: nobody else knows the name
	if errors.Is(err, ErrInodes) {
		err = ErrInodes // what was tried says nothing to people
	}
	return errors.Join(err, f.Remove(tmp+".tmp"), f.Remove(tmp))
}

// OtherName finds the name in dir that a file has besides its own, "" if there is none. A name that can't be looked
// at is an error where it may be ours; any other is a person's that we may not read.
func (f *FS) OtherName(file, dir string, ours func(base string) bool) (string, error) {
	info, err := f.Stat(file)
	if err != nil || Links(info) == 1 {
		return "", err
	}
	names, err := f.List(dir)
	if err != nil {
		return "", err
	}
	for _, base := range names {
		name := path.Join(dir, base)
		if name == file {
			continue
		}
		other, err := f.Stat(name)
		switch {
		case err == nil && SameFile(info, other):
			return name, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist) && ours(base):
			return "", err
		}
	}
	return "", nil
}

// statNew is stat for a name that somebody may just have made: a client that knew it as absent goes on
// saying so for up to a minute, until it lists the directory.
func (f *FS) statNew(name string) (fs.FileInfo, error) {
	info, err := f.stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := f.List(path.Dir(name)); err != nil {
			return nil, err
		}
		info, err = f.stat(name)
	}
	return info, err
}

// PublishData publishes data under a name that several may want: a temporary file beside it, a link,
// and the name, made durable, is read back. winner is what name holds now, the first one's data; ours says that it is
// equal to data, so data that must differ from another's carries a nonce.
func (f *FS) PublishData(name string, data []byte) (winner []byte, ours bool, err error) {
	tmp := temporary(name)
	if err := f.Create(tmp, data); err != nil {
		return nil, false, err
	}
	_, err = f.link(tmp, name)
	_ = f.ops.Unlink(tmp) // whoever won, it is not needed; if it stays, it harms nobody
	if err == nil {
		err = f.Durable(name)
	}
	if err != nil {
		return nil, false, fmt.Errorf("cannot publish %q: %w", name, err)
	}
	winner, err = f.Read(name, publishLimit)
	if err != nil {
		return nil, false, err
	}
	return winner, bytes.Equal(winner, data), nil
}

// PublishMaking is PublishData for a name whose folder may be missing: it is made where it is. What stands there
// already stays.
func (f *FS) PublishMaking(name string, data []byte) error {
	_, _, err := f.PublishData(name, data)
	if errors.Is(err, fs.ErrNotExist) {
		if err = f.MkdirAll(path.Dir(name)); err == nil {
			_, _, err = f.PublishData(name, data)
		}
	}
	return err
}
