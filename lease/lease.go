package lease

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// Lease is the sign of life of one claim's holder. Its files have one writer ever, this process. Keep
// and Release are called one after the other, not at once.
type Lease struct {
	options
	share *sharefs.FS
	beats string // the heartbeat file
	lock  string // the locked file
	held  heldLock
	note  string        // goes into every beat's text: what its user wants there, and whose process it is
	seq   uint64        // of the last beat
	good  time.Duration // when the last good beat began, by boottime
}

const (
	beatSuffix = ".hb"
	lockSuffix = ".lock"
)

// Take makes the lease dir/stem.lock and dir/stem.hb for a claim that does not exist yet. The stem must
// never have been used before. A lock that is not supported, refused or late is no error. After an error
// nothing is left, as far as the share allowed.
func Take(ctx context.Context, share *sharefs.FS, dir, stem string, opts ...Option) (*Lease, error) {
	l := newLease(share, path.Join(dir, stem+beatSuffix), path.Join(dir, stem+lockSuffix), "", opts)
	if err := share.Create(l.lock, nil); err != nil {
		return nil, fmt.Errorf("cannot take lease %q: %w", stem, err)
	}
	if err := l.begin(ctx); err != nil {
		l.release(l.lock) // Create has removed the heartbeat, unless it is somebody else's
		return nil, fmt.Errorf("cannot take lease %q: %w", stem, err)
	}
	return l, nil
}

func newLease(share *sharefs.FS, beats, lock, note string, opts []Option) *Lease {
	l := &Lease{options: newOptions(Flock(share), opts), share: share, beats: beats, lock: lock}
	l.note = cmp.Or(note, "-") + " " + l.processes.Self()
	return l
}

// begin locks the lock file, which exists, and makes the first beat.
func (l *Lease) begin(ctx context.Context) error {
	if l.locker != nil {
		within(ctx, func() {
			if err := l.held.take(l.locker, l.lock); err != nil {
				l.log.Debug("a lease goes without its lock", "lock", l.lock, "error", err)
			}
		})
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	l.good = l.boottime()
	l.seq = 1
	return l.share.Jot(l.beats, l.text())
}

// text is a beat: the sequence number in a fixed width, so that a beat written over the last one leaves
// nothing of it.
func (l *Lease) text() []byte { return fmt.Appendf(nil, "%016d %s\n", l.seq, l.note) }

// holderOf is the process that a beat's text names.
func holderOf(text string) string {
	if fields := strings.Fields(text); len(fields) == 3 {
		return fields[2]
	}
	return ""
}

func (l *Lease) beat() error {
	l.seq++
	return l.share.Overwrite(l.beats, l.text())
}

// Release unlocks and removes the lease's files. It waits no longer than a few seconds; what a share that
// hangs keeps is swept by an observer.
func (l *Lease) Release() { l.release(l.beats, l.lock) }

func (l *Lease) release(names ...string) {
	within(context.Background(), func() {
		err := l.held.release()
		for _, name := range names {
			err = errors.Join(err, l.share.Remove(name))
		}
		if err != nil {
			l.log.Debug("a lease is left to the sweep", "lease", l.beats, "error", err)
		}
	})
}
