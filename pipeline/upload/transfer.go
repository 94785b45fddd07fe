package upload

import (
	"context"
	"errors"
	"hash"
	"io"
	"io/fs"
	"maps"
	"sync/atomic"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/steer"
)

// transfer is a part that is being taken.
type transfer struct {
	interrupt func()
	left      atomic.Int64 // bytes that the film still wants: room for them is spoken for
	waits     atomic.Int64 // since when the client is waited for, in nanoseconds since began; 0: it is not
	began     time.Time
	became    Received      // what came of it, if it is a film; before over is closed
	over      chan struct{} // closed at the end
}

// idle is for how long the client has sent nothing although it is waited for. A share that takes its time is no silence
// of the client.
func (t *transfer) idle() time.Duration {
	since := t.waits.Load()
	if since == 0 {
		return 0
	}
	return time.Since(t.began) - time.Duration(since)
}

// occupy keeps an upload for one part. It takes over from a client that has sent nothing for a while. If that one's
// bytes came whole all the same, theirs is what became of them, and nothing is kept.
func (u *Store) occupy(ctx context.Context, key string, p Part) (mine *transfer, theirs Received, err error) {
	mine = &transfer{interrupt: p.Interrupt, began: time.Now(), over: make(chan struct{})}
	for {
		u.mu.Lock()
		other := u.busy[key]
		if other == nil {
			if u.busy == nil {
				u.busy = map[string]*transfer{}
			}
			u.busy[key] = mine
			u.mu.Unlock()
			return mine, theirs, nil
		}
		u.mu.Unlock()
		if other.interrupt == nil || other.idle() < stalled {
			return nil, theirs, steer.Refuse(steer.Busy, "%q is being uploaded just now by somebody else",
				pipeline.RawName(p.Path))
		}
		other.interrupt()
		select {
		case <-other.over:
		case <-ctx.Done():
			return nil, theirs, ctx.Err()
		}
		if other.became.Film != nil && other.became.Total == p.Total {
			return nil, other.became, nil
		}
	}
}

func (u *Store) leave(key string, t *transfer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.busy, key)
	close(t.over)
}

// room refuses a film for which there is none beside those that are coming in, and keeps it for this one. freed are the
// bytes that it takes the place of.
func (u *Store) room(p Part, need, freed int64, t *transfer) error {
	free, err := u.free()
	if err != nil {
		return err
	}
	free += freed
	u.mu.Lock()
	defer u.mu.Unlock()
	for other := range maps.Values(u.busy) {
		free -= other.left.Load()
	}
	if least := u.MinFree(); free-need < least {
		return steer.Refuse(steer.NoRoom, "there is no room for %q: %d bytes are still to come, and %d can be had "+
			"beside the %d that stay free (disk.min_free) and what others are uploading; make room on the share",
			pipeline.RawName(p.Path), need, max(0, free-least), least)
	}
	t.left.Store(need)
	return nil
}

func (u *Store) free() (int64, error) {
	if u.Free != nil {
		return u.Free()
	}
	return u.Desk.Share.Free()
}

// write appends what a part brings.
func (u *Store) write(ctx context.Context, s *staged, t *transfer, body io.Reader) error {
	crc := u.sumOf(*s)
	in := &incoming{
		transfer: t, r: io.LimitReader(body, s.Total-s.size), look: func() error { return u.mayGoOn(*s) }, crc: crc.crc,
	}
	n, err := u.Desk.Share.Append(ctx, s.Path(), s.size, in)
	if crc.upto += in.got; crc.upto == s.size+n {
		u.setSum(s.Key, crc)
	}
	s.size += n
	if sharefs.Full(err) {
		full := steer.Refuse(steer.NoRoom, "the share is full; what came so far stays, so make room and go on")
		return errors.Join(full, err)
	}
	if err == nil && n > 0 && s.size == s.Total {
		err = u.mayGoOn(*s)
		if refused, ok := errors.AsType[*steer.Error](err); ok && refused.Kind == steer.NoRoom {
			err = nil // it is all there
		}
	}
	return err
}

// mayGoOn is an error where there is no room any more, or another master has taken the upload over.
func (u *Store) mayGoOn(s staged) error {
	if _, err := u.Desk.Share.Stat(s.Path()); errors.Is(err, fs.ErrNotExist) {
		return steer.Refuse(steer.Busy, "another master goes on with this upload, or it was dropped; try again in a moment")
	}
	if free, err := u.free(); err == nil && free < u.MinFree() {
		return steer.Refuse(steer.NoRoom, "less than disk.min_free is free on the share; what came so far stays, so "+
			"make room and go on")
	}
	return nil
}

// incoming counts what comes, and looks around now and then.
type incoming struct {
	*transfer

	r    io.Reader
	look func() error
	crc  hash.Hash32
	got  int64
	next int64 // when got is so much, it is looked around
}

func (i *incoming) Read(b []byte) (int, error) {
	if i.got >= i.next {
		if i.next > 0 {
			if err := i.look(); err != nil {
				return 0, err
			}
		}
		i.next = i.got + lookEach
	}
	i.waits.Store(max(1, int64(time.Since(i.began))))
	n, err := i.r.Read(b)
	i.waits.Store(0)
	_, _ = i.crc.Write(b[:n]) // never fails
	i.got += int64(n)
	i.left.Add(int64(-n))
	return n, err
}

func (u *Store) forget(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.ended, key)
}

func (u *Store) remember(key string, r Received) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended == nil || len(u.ended) > maxEnded {
		u.ended = map[string]Received{}
	}
	u.ended[key] = r
}
