package lease

import (
	"os"
	"path"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
)

const poll = 5 * time.Second

func observer(share *sharefs.FS, opts ...Option) *Observer {
	return NewObserver(share, "leases", "probe/me", terms, opts...)
}

// scan scans every poll for d, and returns what was expired and when first.
func scan(t *testing.T, o *Observer, d time.Duration, stems ...string) (expired []string, after time.Duration) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(poll) {
		expired, err := o.Scan(t.Context(), stems)
		require.NoError(t, err)
		synctest.Wait() // for probes of locks
		if passed := time.Since(began); len(expired) > 0 || passed >= d {
			return expired, passed
		}
	}
}

func beatOnce(t *testing.T, share *sharefs.FS, stem, text string) {
	t.Helper()
	require.NoError(t, share.Replace(path.Join("leases", stem+".hb"), []byte(text)))
}

func TestScanExpiresTheSilentOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t) // beats as "stem"
		beatOnce(t, k.share, "dead", "1")
		o := observer(k.share)
		expired, after := scan(t, o, time.Hour, "stem", "dead", "nofiles")
		require.Equal(t, []string{"dead", "nofiles"}, expired)
		require.Equal(t, terms.Expiry, after)
		expired, after = scan(t, o, time.Hour, "stem")
		require.Empty(t, expired)
		require.Equal(t, time.Hour, after)
		k.cancel()
		require.NoError(t, <-k.result)
		require.NoError(t, o.Close())
		require.Empty(t, list(t, k.share, "probe"))
	})
}

func TestQuietBeforeItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t) // beats as "stem"
		beatOnce(t, k.share, "dead", "1")
		o := observer(k.share)
		scan(t, o, terms.SuspectAfter()-poll, "stem", "dead")
		require.Empty(t, o.Suspects())
		time.Sleep(poll)
		expired, err := o.Scan(t.Context(), []string{"stem", "dead"})
		require.NoError(t, err)
		require.Empty(t, expired)
		require.Equal(t, []string{"dead"}, o.Suspects())
		k.cancel()
		require.NoError(t, <-k.result)
	})
}

func TestNewObserverStartsAtZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, _ := newShare(t, nil)
		beatOnce(t, share, "dead", "1")
		expired, _ := scan(t, observer(share), terms.Expiry-poll, "dead")
		require.Empty(t, expired)
		expired, _ = scan(t, observer(share), terms.Expiry-poll, "dead")
		require.Empty(t, expired)
	})
}

// A changed text or a changed mtime is a movement, whatever the clock it was stamped by.
func TestAnyMovementCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, _ := newShare(t, nil)
		beatOnce(t, share, "x", "1")
		o := observer(share)
		hb := share.Path("leases/x.hb")
		for i, mtime := range []time.Time{{}, time.Unix(1, 0), time.Now().AddDate(9, 0, 0), time.Now().AddDate(-9, 0, 0)} {
			expired, _ := scan(t, o, terms.Expiry-poll, "x")
			require.Empty(t, expired)
			if i == 0 {
				before, err := os.Stat(hb)
				require.NoError(t, err)
				require.NoError(t, share.Overwrite("leases/x.hb", []byte("2")))
				require.NoError(t, os.Chtimes(hb, before.ModTime(), before.ModTime()))
				continue
			}
			require.NoError(t, os.Chtimes(hb, mtime, mtime))
		}
		time.Sleep(poll)
		expired, after := scan(t, o, time.Hour, "x")
		require.Equal(t, []string{"x"}, expired)
		require.Equal(t, terms.Expiry, after)
	})
}

func TestOutageExpiresNobody(t *testing.T) {
	for _, prefix := range []string{"write probe", "sync probe", "readdir leases", "open leases/x.hb",
		"read leases/x.hb"} {
		synctest.Test(t, func(t *testing.T) {
			out := &outage{prefix: prefix}
			plain, share := newShare(t, out.hook)
			beatOnce(t, plain, "x", "1")
			o := observer(share)
			scan(t, o, terms.Expiry/2, "x")
			out.fail(syscall.EIO)
			for range 360 {
				time.Sleep(poll)
				expired, err := o.Scan(t.Context(), []string{"x"})
				require.ErrorIs(t, err, syscall.EIO, prefix)
				require.Empty(t, expired)
			}
			out.fail(nil)
			time.Sleep(poll)
			expired, after := scan(t, o, time.Hour, "x")
			require.Equal(t, []string{"x"}, expired)
			require.Equal(t, terms.Expiry/2, after, "%s: what was counted before stays, no more", prefix)
		})
	}
}

func TestLateScanAddsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, _ := newShare(t, nil)
		beatOnce(t, share, "x", "1")
		o := observer(share)
		for range 3 {
			expired, _ := scan(t, o, 4*poll, "x")
			require.Empty(t, expired)
			time.Sleep(time.Hour) // the master was stopped, or the share hung in a scan
		}
		expired, after := scan(t, o, time.Hour, "x")
		require.Equal(t, []string{"x"}, expired)
		require.Equal(t, terms.Expiry-12*poll, after)
	})
}

// An idle master scans rarely. That is its usual interval, and silence counts.
func TestRareButRegularScansCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, _ := newShare(t, nil)
		o := observer(share)
		for n := 0; ; n++ {
			expired, err := o.Scan(t.Context(), []string{"x"})
			require.NoError(t, err)
			if len(expired) > 0 {
				require.Equal(t, 5, n, "the first of 30 s adds nothing")
				return
			}
			time.Sleep(30 * time.Second)
		}
	})
}

func TestClaimThatWasAwayStartsAtZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, _ := newShare(t, nil)
		o := observer(share)
		for range 10 {
			expired, _ := scan(t, o, terms.Expiry-poll, "x")
			require.Empty(t, expired)
			time.Sleep(poll)
			scan(t, o, 0)
			time.Sleep(poll)
		}
	})
}

func all(string) bool { return true }

func TestFreedLockShortensTheWait(t *testing.T) {
	for _, held := range []error{ErrHeld, syscall.EACCES} {
		synctest.Test(t, func(t *testing.T) {
			k := keep(t)
			locker := &fakeLocker{err: held}
			o := observer(k.share, WithLocker(locker), WithProbes(all))
			expired, _ := scan(t, o, time.Hour, "stem")
			require.Empty(t, expired)
			calls, _ := locker.state()
			require.Equal(t, 1, calls, "a live holder's lock is tried once")

			k.work.set(func(w *work) { w.dead = true })
			locker.set(nil, nil)
			time.Sleep(poll)
			expired, after := scan(t, o, time.Hour, "stem")
			require.Equal(t, []string{"stem"}, expired)
			require.GreaterOrEqual(t, after, 3*terms.Heartbeat-poll)
			require.Less(t, after, 5*terms.Heartbeat)
			_, left := locker.state()
			require.Zero(t, left)
			k.cancel()
			require.NoError(t, <-k.result)
		})
	}
}

// Locks that exclude nobody, are stuck, unsupported or not to be probed leave the expiry as it is.
func TestLockThatProvesNothing(t *testing.T) {
	for _, answer := range []error{nil, ErrHeld, syscall.EACCES, syscall.ENOTSUP, syscall.ENOLCK, syscall.ENOENT} {
		synctest.Test(t, func(t *testing.T) {
			share, _ := newShare(t, nil)
			beatOnce(t, share, "x", "1")
			_, after := scan(t, observer(share, WithLocker(&fakeLocker{err: answer}), WithProbes(all)), time.Hour, "x")
			require.Equal(t, terms.Expiry, after, "%v", answer)
			locker := &fakeLocker{err: answer}
			_, after = scan(t, observer(share, WithLocker(locker)), time.Hour, "x")
			require.Equal(t, terms.Expiry, after)
			calls, _ := locker.state()
			require.Zero(t, calls, "no lock is probed unless it was allowed")
		})
	}
}

func TestHolderThatBeatsAgainIsAliveWithoutItsLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t)
		locker := &fakeLocker{err: ErrHeld}
		o := observer(k.share, WithLocker(locker), WithProbes(all))
		scan(t, o, time.Minute, "stem")
		locker.set(nil, nil) // the holder was cut off, and its lock is free since
		heal := k.out.stall()
		time.Sleep(poll)
		expired, _ := scan(t, o, 2*terms.Heartbeat, "stem")
		require.Empty(t, expired)
		heal()
		time.Sleep(poll)
		expired, after := scan(t, o, time.Hour, "stem")
		require.Empty(t, expired)
		require.Equal(t, time.Hour, after)
		k.cancel()
		require.NoError(t, <-k.result)
	})
}

func TestHangingProbeHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, _ := newShare(t, nil)
		beatOnce(t, share, "x", "1")
		locker := &fakeLocker{err: ErrHeld}
		o := observer(share, WithLocker(locker), WithProbes(all))
		scan(t, o, 0, "x")
		hang := make(chan struct{})
		locker.set(nil, hang)
		time.Sleep(poll)
		_, after := scan(t, o, time.Hour, "x")
		require.Equal(t, terms.Expiry, after+poll)
		calls, _ := locker.state()
		require.Equal(t, 2, calls, "one try under way at most")
		close(hang)
		synctest.Wait()
		require.False(t, o.locks.locks["x"].free, "an answer that late says nothing")
	})
}

func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t) // "stem" lives, its claim is not there yet
		for _, name := range []string{"claimed.hb", "claimed.lock", "orphan.hb", "orphan.lock", "locked.lock", "note.txt"} {
			require.NoError(t, k.share.Create("leases/"+name, nil))
		}
		o := observer(k.share)
		var swept []string
		began := time.Now()
		for time.Since(began) < time.Hour {
			now, err := o.Sweep(t.Context(), func(stem string) bool { return stem == "claimed" })
			require.NoError(t, err)
			if len(now) > 0 && len(swept) == 0 {
				require.Equal(t, terms.Expiry, time.Since(began))
			}
			swept = append(swept, now...)
			time.Sleep(poll)
		}
		require.Equal(t, []string{"locked", "orphan"}, swept)
		require.Equal(t, []string{"claimed.hb", "claimed.lock", "note.txt", "stem.hb", "stem.lock"},
			list(t, k.share, "leases"))
		k.cancel()
		require.NoError(t, <-k.result)
	})
}
