package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
)

// locked is how a test of a lock went: one holds it, the other tries.
type locked struct {
	Holder  string        // the holder's error; empty: it had the lock
	While   string        // what the other got for its try while it was held; see answer
	After   string        // and when it had been released
	Waited  time.Duration // until the lock was free
	Blocked time.Duration // the longest that one try took
}

// Answers to a try for a lock. SMB refuses with EACCES.
const (
	got     = "got it"
	refused = "refused"
	denied  = "refused with EACCES"
)

// lock tests whether a lock that one holds keeps the other out, on a file of its own: over SMB a refused
// try takes away the lock of another process of the same machine.
func (r room) lock(ctx context.Context, check, who string) (Finding, error) {
	test := r.try
	if r.me == first {
		test = r.hold
	}
	l, err := test(ctx, lease.Flock(r.share), path.Join(r.dir, "lock"))
	return judgeLock(check, who, l), err
}

func (r room) hold(ctx context.Context, locker lease.Locker, name string) (l locked, err error) {
	if err := r.share.Create(name, nil); err != nil {
		return l, err
	}
	unlock, lockErr := locker.TryLock(name)
	if lockErr != nil {
		l.Holder = lockErr.Error()
	}
	if err := r.both(ctx, "held", l, &l); err != nil || lockErr != nil {
		return l, err
	}
	if err := unlock(); err != nil {
		return l, err
	}
	err = r.both(ctx, "released", l, &l)
	return l, err
}

func (r room) try(ctx context.Context, locker lease.Locker, name string) (l locked, err error) {
	if err := r.hear(ctx, "held", &l); err != nil {
		return l, err
	}
	if l.Holder == "" {
		l.While, l.Blocked = answer(locker, name)
	}
	if err := r.say("held", l); err != nil || l.Holder != "" {
		return l, err
	}
	var theirs locked
	if err := r.hear(ctx, "released", &theirs); err != nil {
		return l, err
	}
	began := time.Now()
	for {
		var took time.Duration
		l.After, took = answer(locker, name)
		l.Blocked = max(l.Blocked, took)
		l.Waited = time.Since(began)
		if l.After == got || l.Waited > releaseWait || sharefs.Sleep(ctx, look) != nil {
			return l, r.say("released", l)
		}
	}
}

// releaseWait is how long a released lock may take to be free elsewhere.
const releaseWait = 10 * time.Second

// answer tries a lock, and lets go of it at once.
func answer(locker lease.Locker, name string) (string, time.Duration) {
	began := time.Now()
	unlock, err := locker.TryLock(name)
	took := time.Since(began)
	switch {
	case err == nil:
		if err := unlock(); err != nil {
			return err.Error(), took
		}
		return got, took
	case errors.Is(err, lease.ErrHeld):
		return refused, took
	case errors.Is(err, fs.ErrPermission):
		return denied, took
	}
	return err.Error(), took
}

const lockWhy = "locks only tell sooner that a worker is dead; without them its chunks wait for the full expiry. " +
	"Nothing goes wrong"

// judgeLock says whether the lock kept who out.
func judgeLock(check, who string, l locked) Finding {
	switch {
	case l.Holder != "":
		return advice(check, "can't be had: %s", l.Holder).because(
			lockWhy, "NFSv3: rpc.statd must run on both sides; see `dmesg`")
	case l.While == got:
		return advice(check, "%s gets a lock that is held: locks exclude nobody", who).because(lockWhy,
			"mount without `nolock` and `local_lock` (NFS) or `nobrl` (SMB), on both machines")
	case l.While != refused && l.While != denied:
		return advice(check, "%s, trying for a lock that is held, gets: %s", who, l.While).because(lockWhy, "see `dmesg`")
	case l.After != got:
		return advice(check, "a released lock is not free for %s after %s: %s", who, short(l.Waited), l.After).because(
			lockWhy, "see the server's log")
	}
	seen := fmt.Sprintf("a held lock keeps %s out (%s); free %s after its release", who, l.While, short(l.Waited))
	if l.Blocked > 5*time.Second {
		seen += fmt.Sprintf("; a try took up to %s, as while a server's grace period lasts", short(l.Blocked))
	}
	return ok(check, "%s", seen)
}

// secondProcess tests claims and locks between two processes of this machine.
func secondProcess(ctx context.Context, o ShareOptions, dir string, tell Tell) {
	if err := o.Share.MkdirAll(dir); err != nil {
		tell(failed("claims here", "%v", err))
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		err := o.Second(ctx, dir)
		if err != nil {
			cancel() // nobody will answer
		}
		ended <- err
	}()
	r := roomOf(o.Share, dir, first)
	err := r.onOneMachine(ctx, tell)
	r.leave(err)
	if secondErr := <-ended; secondErr != nil {
		err = secondErr
	}
	if err != nil {
		tell(failed("claims here", "the test with a second process broke off: %v", err))
	}
}

// onOneMachine are the tests between two processes of one machine.
func (r room) onOneMachine(ctx context.Context, tell Tell) error {
	return each(tell,
		func() (Finding, error) { return r.race(ctx, "claims here") },
		func() (Finding, error) { return r.lock(ctx, "locks here", "a second process of this machine") })
}

// each runs tests and tells what they find, until one breaks off.
func each(tell Tell, tests ...func() (Finding, error)) error {
	for _, test := range tests {
		f, err := test()
		if err != nil {
			return err
		}
		tell(f)
	}
	return nil
}

// Second is the other process of Share's tests on one machine. It says nothing.
func Second(ctx context.Context, share *sharefs.FS, dir string) error {
	r := roomOf(share, dir, second)
	err := r.onOneMachine(ctx, func(Finding) {})
	r.leave(err)
	return err
}
