package lease

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/distenc/distenc/lease/sharefs"
)

// Locker locks existing files on the share, exclusively and without waiting. It never creates one.
// TryLock returns ErrHeld (or fs.ErrPermission, SMB's way to say it) if another has the lock. It may
// block for a long time all the same: twice the server's grace period was seen.
type Locker interface {
	TryLock(name string) (unlock func() error, err error)
}

// ErrHeld is a Locker's answer for a lock that another one has.
var ErrHeld = errors.New("the lock is held")

// Flock returns the Locker that uses flock(2), on Windows LockFileEx.
func Flock(share *sharefs.FS) Locker { return flocker{share} }

type flocker struct{ share *sharefs.FS }

// TryLock opens the file for writing, since NFS emulates flock by a byte-range lock and gives an
// exclusive one only to a descriptor that can write (flock(2), NFS details).
func (f flocker) TryLock(name string) (func() error, error) {
	l := flock.New(f.share.Path(name), flock.SetFlag(os.O_RDWR|lockFlags),
		flock.SetPermissions(0o664))
	ok, err := l.TryLock()
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, ErrHeld
	}
	return l.Unlock, nil
}

func refused(err error) bool { return errors.Is(err, ErrHeld) || errors.Is(err, fs.ErrPermission) }

// callWait bounds how long a caller waits for a call to the share that is of no consequence to it: a
// lock that is only a hint, or the removal of what the sweep would remove as well.
const callWait = 5 * time.Second

// within runs f on a goroutine of its own and waits for it until ctx ends or callWait has passed. The
// goroutine stays for as long as the share lets f hang.
func within(ctx context.Context, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	t := time.NewTimer(callWait)
	defer t.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	case <-t.C:
	}
}

// heldLock is a lock that may come late, when its user has already given it up.
type heldLock struct {
	mu       sync.Mutex
	unlock   func() error
	released bool
}

func (h *heldLock) take(l Locker, name string) error {
	unlock, err := l.TryLock(name)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released {
		return unlock()
	}
	h.unlock = unlock
	return nil
}

func (h *heldLock) release() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.released = true
	if h.unlock == nil {
		return nil
	}
	unlock := h.unlock
	h.unlock = nil
	return unlock()
}
