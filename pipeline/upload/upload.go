// Package upload takes films in that come from elsewhere, in one part or in several: a part that is cut off leaves what
// came of it, and the next one goes on there, also after a restart or with another master. What is not whole lies under
// a hidden name in the inbox (pipeline.Upload). What is whole gets its name and settings as what steer submits does.
package upload

import (
	"context"
	"fmt"
	"io"
	"path"
	"sync"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/steer"
)

// Store holds a share's uploads. Its methods may be called concurrently; of one film, one part is taken at a time.
type Store struct {
	Desk steer.Desk
	// MinFree is how many bytes must stay free on the share, at any time.
	MinFree func() int64
	// Free is how many bytes can be written to the share. If nil, the share is asked.
	Free func() (int64, error)

	mu    sync.Mutex
	busy  map[string]*transfer // by key
	sums  map[string]sum       // by key, of what came through this process
	ended map[string]Received  // by key, for who did not hear it
}

// Part is what one request brings of a film.
type Part struct {
	Path     string // below inbox/, where the film is to lie
	Modified string // tells the film from another one for the same path; "" is as good as any other text
	// Date is when the film was modified, for steer.Wishes.KeepDate; if zero, nobody said.
	Date  time.Time
	First int64 // the place in the film of the first byte that is brought; Announce: none is
	Total int64 // bytes of the whole film
	// Onwards is a part that goes on with what is there, if it begins with the first byte too: a browser by itself sends
	// a request once more whose connection broke before an answer came.
	Onwards bool
	Wishes  steer.Wishes
	// Interrupt ends a read of the part's bytes that waits. If nil, nobody takes over from a client that is gone.
	Interrupt func()
}

// Announce as a part's First asks for nothing but how much is there, and makes room for a film of which nothing is.
const Announce = -1

// Received is how far an upload is.
type Received struct {
	Offset int64 // bytes that are there
	Total  int64
	// Film is what became of the upload once it was whole, else nil.
	Film *steer.Submission
}

// OffsetError is a part that does not begin where the bytes that are there end.
type OffsetError struct{ Offset, Total, First int64 }

func (e *OffsetError) Error() string {
	return fmt.Sprintf("%d of %d bytes are there, so the next part begins with byte %d and not with %d",
		e.Offset, e.Total, e.Offset, e.First)
}

const (
	// maxUploads bounds how many uploads are not finished, those that were abandoned included.
	maxUploads = 100
	// maxEnded bounds how many are remembered that have ended.
	maxEnded = 1000
	// lookEach is after how many bytes it is looked whether there is still room, and no other master has taken over.
	lookEach = 64 << 20
	// stalled is how long a client has sent nothing when another one may take over: its connection may be broken
	// without anybody having noticed.
	stalled = 5 * time.Second
)

// Receive takes a part in, and names the film once it is whole. A part for the first byte that is not Onwards, or the
// announcement of a film of another size, begins anew. What came stays, whatever the error, unless it was damaged.
//
// Errors are *steer.Error (Wrong, NoRoom, Busy, Many, Damaged), *OffsetError, those of body, or the share's.
func (u *Store) Receive(ctx context.Context, p Part, body io.Reader) (Received, error) {
	if err := u.check(p); err != nil {
		return Received{}, err
	}
	key := pipeline.UploadKey(p.Path, p.Modified)
	t, theirs, err := u.occupy(ctx, key, p)
	if t == nil {
		return theirs, err
	}
	defer u.leave(key, t)
	s, err := u.open(ctx, p, key, t)
	if err == nil && p.First != Announce {
		err = u.write(ctx, &s, t, body)
	}
	r := Received{Offset: s.size, Total: s.Total}
	if err == nil && s.size == s.Total {
		// Once begun it is not interrupted: the client may be tired of waiting, and hears of it when it asks again.
		r.Film, err = u.finish(context.WithoutCancel(ctx), s, p)
	}
	if r.Film != nil {
		t.became = r
		u.remember(key, r)
	}
	return r, err
}

// Look returns how far an upload is; of one that this process has finished lately, what became of it.
func (u *Store) Look(inbox, modified string) (Received, error) {
	key := pipeline.UploadKey(inbox, modified)
	s, found, err := u.find(key)
	if err != nil {
		return Received{}, err
	}
	if found {
		return Received{Offset: s.size, Total: s.Total}, nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if r, ok := u.ended[key]; ok {
		return r, nil
	}
	return Received{}, steer.Refuse(steer.Unknown, "nothing of %q is being uploaded", pipeline.RawName(inbox))
}

// Drop forgets what came of a film that is not whole.
func (u *Store) Drop(ctx context.Context, inbox, modified string) error {
	key := pipeline.UploadKey(inbox, modified)
	t, _, err := u.occupy(ctx, key, Part{Path: inbox})
	if err != nil {
		return err
	}
	defer u.leave(key, t)
	_, found, err := u.find(key)
	if err == nil && !found {
		err = steer.Refuse(steer.Unknown, "nothing of %q is being uploaded", pipeline.RawName(inbox))
	}
	if err != nil {
		return err
	}
	return u.removeAll(key)
}

// check refuses what could never become a job, before a byte is taken.
func (u *Store) check(p Part) error {
	if err := checkInboxPath(p.Path); err != nil {
		return err
	}
	if p.Total < 1 || p.First < Announce || p.First >= p.Total {
		return steer.Refuse(steer.Wrong, "the film has %d bytes, and byte %d is none of them: an empty file is no film",
			p.Total, p.First)
	}
	settings := u.Desk.Share.Path(pipeline.SidecarBeside(path.Join(pipeline.Inbox, p.Path)))
	if _, err := u.Desk.Settings.Amend(settings, nil, p.Wishes); err != nil {
		return steer.Refuse(steer.Wrong, "%s", err)
	}
	return nil
}
