package lease

import (
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

func TestTakeAndRelease(t *testing.T) {
	share, _ := newShare(t, nil)
	l, err := Take(t.Context(), share, "leases", "stem")
	require.NoError(t, err)
	require.Equal(t, []string{"stem.hb", "stem.lock"}, list(t, share, "leases"))
	require.Equal(t, "0000000000000001 - "+kernel{}.Self()+"\n", read(t, share, "leases/stem.hb"))
	require.Empty(t, read(t, share, "leases/stem.lock"), "on SMB nobody could read it while it is locked")
	_, err = Flock(share).TryLock("leases/stem.lock")
	require.ErrorIs(t, err, ErrHeld)

	_, err = Take(t.Context(), share, "leases", "stem")
	require.Error(t, err, "a stem is used once")
	require.Len(t, list(t, share, "leases"), 2, "and the first user's lease stays")
	l.Release()
	require.Empty(t, list(t, share, "leases"))
	l.Release()
}

// Whatever fails, a lease that was not taken is not locked, and nothing is left but what an open made and
// nobody heard of.
func TestTakeWithEveryFault(t *testing.T) {
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC, sharefstest.AnswerLost(syscall.EIO)} {
		for fail, beyond := 1, false; !beyond; fail++ {
			nth := &sharefstest.Nth{Fail: fail, Err: fault}
			plain, share := newShare(t, nth.Hook)
			l, err := Take(t.Context(), share, "leases", "stem")
			beyond = len(nth.Done()) < fail
			left := list(t, plain, "leases")
			if err == nil {
				require.Len(t, left, 2)
				l.Release()
			} else if op := nth.Done()[fail-1]; !strings.HasPrefix(op, "open") {
				require.Empty(t, left, op)
			}
			if unlock, err := Flock(plain).TryLock("leases/stem.lock"); err != nil {
				require.ErrorIs(t, err, fs.ErrNotExist)
			} else {
				require.NoError(t, unlock())
			}
		}
	}
}

func TestTakeGoesWithoutALockThatProvesNothing(t *testing.T) {
	for _, answer := range []error{syscall.ENOTSUP, syscall.ENOLCK, ErrHeld, syscall.EACCES} {
		share, _ := newShare(t, nil)
		l, err := Take(t.Context(), share, "leases", "stem", WithLocker(&fakeLocker{err: answer}))
		require.NoError(t, err)
		l.Release()
		require.Empty(t, list(t, share, "leases"))
	}
	share, _ := newShare(t, nil)
	l, err := Take(t.Context(), share, "leases", "stem", WithLocker(nil))
	require.NoError(t, err)
	l.Release()
}

func TestTakeDoesNotWaitForALockThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, _ := newShare(t, nil)
		hang := make(chan struct{})
		locker := &fakeLocker{hang: hang}
		l, err := Take(t.Context(), share, "leases", "stem", WithLocker(locker), bubbleClock())
		require.NoError(t, err)
		require.Len(t, list(t, share, "leases"), 2)
		l.Release()
		close(hang)
		synctest.Wait()
		calls, held := locker.state()
		require.Equal(t, 1, calls)
		require.Zero(t, held, "a lock that came after the release is given back")
	})
}

func TestReleaseDoesNotWaitForAShareThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &outage{prefix: "unlink"}
		plain, share := newShare(t, out.hook)
		l, err := Take(t.Context(), share, "leases", "stem", bubbleClock())
		require.NoError(t, err)
		heal := out.stall()
		began := time.Now()
		l.Release()
		require.Equal(t, callWait, time.Since(began))
		heal()
		synctest.Wait()
		require.Empty(t, list(t, plain, "leases"))
	})
}

func TestTermsCheck(t *testing.T) {
	require.NoError(t, terms.Check())
	require.NoError(t, Terms{Heartbeat: time.Second, Expiry: 4 * time.Second}.Check())
	require.Error(t, Terms{Heartbeat: time.Second, Expiry: 3 * time.Second}.Check())
	require.Error(t, Terms{Expiry: time.Second}.Check())
}

// The fence comes before anybody can have seen the lease silent for the expiry.
func TestFenceComesBeforeExpiry(t *testing.T) {
	for _, tt := range []Terms{terms, {Heartbeat: time.Second, Expiry: 4 * time.Second}} {
		require.Less(t, tt.fence()+tt.Heartbeat/ticksPerBeat, tt.Expiry)
		require.Greater(t, tt.fence(), 2*tt.Heartbeat)
		require.LessOrEqual(t, tt.hinted(), tt.Expiry)
	}
}

func TestBoottimeRuns(t *testing.T) {
	before := boottime()
	require.Positive(t, before)
	require.GreaterOrEqual(t, boottime(), before)
}
