package upload

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/steer"
)

// sum is the CRC-32 of an upload's first bytes, as far as they came through this process.
type sum struct {
	nonce string
	upto  int64
	crc   hash.Hash32
}

// sumOf hands over the sum up to what is there, or one that is of no use because some of it came another way.
func (u *Store) sumOf(s staged) sum {
	u.mu.Lock()
	defer u.mu.Unlock()
	known, ok := u.sums[s.Key]
	delete(u.sums, s.Key) // it goes on counting, and is put back if all that it counted was written
	if ok && known.nonce == s.Nonce && known.upto == s.size {
		return known
	}
	fresh := sum{nonce: s.Nonce, crc: crc32.NewIEEE()}
	if s.size > 0 {
		fresh.upto = -s.Total - 1 // never what is there
	}
	return fresh
}

func (u *Store) setSum(key string, s sum) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.sums == nil || len(u.sums) > maxUploads { // what is forgotten is read again
		u.sums = map[string]sum{}
	}
	u.sums[key] = s
}

func (u *Store) renamed(was, is pipeline.Upload) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if s, ok := u.sums[was.Key]; ok && s.nonce == was.Nonce {
		s.nonce = is.Nonce
		u.sums[was.Key] = s
	}
}

// verify compares the tag in a film's name, if there is one, with what came. A film that is damaged is dropped.
func (u *Store) verify(ctx context.Context, s staged, base string) error {
	tag := pipeline.Tag(base)
	if tag == "" {
		return nil
	}
	known := u.sumOf(s)
	crc := known.crc
	if known.upto != s.Total {
		crc = crc32.NewIEEE()
		if err := u.readBack(ctx, s, crc); err != nil {
			return err
		}
	}
	if is := fmt.Sprintf("%08X", crc.Sum32()); is != tag {
		damaged := steer.Refuse(steer.Damaged, "the name says CRC-32 %s but what came has %s: the file is damaged or not "+
			"the one that the name says; nothing of it was kept", tag, is)
		return errors.Join(damaged, u.Desk.Share.Remove(s.Path()))
	}
	return nil
}

// readBack reads what came through another process too.
func (u *Store) readBack(ctx context.Context, s staged, to io.Writer) error {
	file, err := u.Desk.Share.OpenRead(s.Path())
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	_, err = io.Copy(to, sharefs.UntilDone(ctx, file))
	return err
}
