package steer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// Uploads takes films in that come from elsewhere, in one part or in several: a part that is cut off leaves what came
// of it, and the next one goes on there, also after a restart or with another master. What is not whole lies under a
// hidden name in the inbox (pipeline.Upload). Its methods may be called concurrently; of one film, one part is taken at
// a time.
type Uploads struct {
	Desk Desk
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
	// Date is when the film was modified, for Wishes.KeepDate; if zero, nobody said.
	Date   time.Time
	First  int64 // the place in the film of the first byte that is brought; Announce: none is
	Total  int64 // bytes of the whole film
	Wishes Wishes
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
	Film *Submission
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

// Receive takes a part in, and names the film once it is whole. A part for the first byte, or the announcement of a
// film of another size, begins anew. What came stays, whatever the error, unless it was damaged.
//
// Errors are *Error (Wrong, NoRoom, Busy, Many, Damaged), *OffsetError, those of body, or the share's.
func (u *Uploads) Receive(ctx context.Context, p Part, body io.Reader) (Received, error) {
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
func (u *Uploads) Look(inbox, modified string) (Received, error) {
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
	return Received{}, refuse(Unknown, "nothing of %q is being uploaded", shown(inbox))
}

// Drop forgets what came of a film that is not whole.
func (u *Uploads) Drop(ctx context.Context, inbox, modified string) error {
	key := pipeline.UploadKey(inbox, modified)
	t, _, err := u.occupy(ctx, key, Part{Path: inbox})
	if err != nil {
		return err
	}
	defer u.leave(key, t)
	_, found, err := u.find(key)
	if err == nil && !found {
		err = refuse(Unknown, "nothing of %q is being uploaded", shown(inbox))
	}
	if err != nil {
		return err
	}
	return u.removeAll(key)
}

// check refuses what could never become a job, before a byte is taken.
func (u *Uploads) check(p Part) error {
	if err := checkInboxPath(p.Path); err != nil {
		return err
	}
	if p.Total < 1 || p.First < Announce || p.First >= p.Total {
		return refuse(Wrong, "the film has %d bytes, and byte %d is none of them: an empty file is no film", p.Total, p.First)
	}
	settings := u.Desk.Share.Path(pipeline.SidecarBeside(path.Join(pipeline.Inbox, p.Path)))
	if _, err := u.Desk.Settings.Amend(settings, nil, p.Wishes); err != nil {
		return refuse(Wrong, "%s", err)
	}
	return nil
}

// staged is an upload as it lies in the inbox.
type staged struct {
	pipeline.Upload

	size int64 // bytes that are there
}

// find returns what is there of an upload.
func (u *Uploads) find(key string) (s staged, found bool, err error) {
	all, err := u.list()
	if err != nil {
		return s, false, err
	}
	for _, one := range all {
		if one.Key != key {
			continue
		}
		info, err := u.Desk.Share.Stat(one.Path())
		if errors.Is(err, fs.ErrNotExist) {
			continue // another master has just taken it
		}
		if err != nil {
			return s, false, err
		}
		if !found || info.Size() > s.size {
			s, found = staged{one, info.Size()}, true
		}
	}
	return s, found, nil
}

// list returns all uploads that are not finished.
func (u *Uploads) list() (all []pipeline.Upload, err error) {
	names, err := u.Desk.Share.List(pipeline.Inbox)
	for _, n := range names {
		if one, ok := pipeline.ParseUpload(n); ok {
			all = append(all, one)
		}
	}
	return all, err
}

// open finds or begins the upload that a part is for, and makes it this process's own.
func (u *Uploads) open(ctx context.Context, p Part, key string, t *transfer) (staged, error) {
	s, found, err := u.find(key)
	switch {
	case err != nil:
		return s, err
	case p.First == 0, p.First == Announce && (!found || s.Total != p.Total):
		return u.begin(p, key, s.size, t)
	case !found:
		return s, &OffsetError{First: p.First, Total: p.Total}
	case p.First != Announce && (s.size != p.First || s.Total != p.Total):
		return s, &OffsetError{First: p.First, Offset: s.size, Total: s.Total}
	}
	if err := u.room(p, s.Total-s.size, 0, t); err != nil {
		return s, err
	}
	if p.First == Announce && s.size < s.Total {
		return s, nil // nothing is written
	}
	return u.take(ctx, s)
}

// begin makes the file of an upload of which nothing is there yet, in place of what was: so many bytes.
func (u *Uploads) begin(p Part, key string, was int64, t *transfer) (staged, error) {
	all, err := u.list()
	all = slices.DeleteFunc(all, func(one pipeline.Upload) bool { return one.Key == key })
	if err == nil && len(all) >= maxUploads {
		err = refuse(Many, "%d uploads are not finished; finish one of them first, or wait: what nobody goes on with is "+
			"removed after %d days", len(all), pipeline.KeepUploads/(24*time.Hour))
	}
	if err == nil {
		err = u.room(p, p.Total, was, t)
	}
	if err == nil {
		u.forget(key)
		err = u.removeAll(key)
	}
	s := staged{Upload: pipeline.NewUpload(key, p.Total)}
	if err == nil {
		err = u.Desk.Share.Create(s.Path(), nil)
	}
	return s, err
}

// take renames an upload, so that no other master writes to it any more.
func (u *Uploads) take(ctx context.Context, s staged) (staged, error) {
	was, mine := s.Upload, s.Taken()
	if out, err := u.Desk.Share.Claim(ctx, was.Path(), mine.Path()); out != sharefs.Won {
		return s, errors.Join(refuse(Busy, "another master goes on with this upload; try again in a moment"), err)
	}
	u.renamed(was, mine)
	s.Upload = mine
	return s, nil
}

func (u *Uploads) removeAll(key string) error {
	all, err := u.list()
	for _, one := range all {
		if one.Key == key {
			err = errors.Join(err, u.Desk.Share.Remove(one.Path()))
		}
	}
	return err
}
