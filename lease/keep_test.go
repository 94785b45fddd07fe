package lease

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
)

// keeping is a lease under Keep in a bubble, on a share with a switchable outage.
type keeping struct {
	share  *sharefs.FS
	out    *outage
	work   *work
	skew   atomic.Int64 // added to the boot clock, ns
	result chan error
	cancel context.CancelFunc
}

func keep(t *testing.T) *keeping {
	k := &keeping{out: &outage{}, work: newWork(), result: make(chan error, 1)}
	var share *sharefs.FS
	k.share, share = newShare(t, k.out.hook)
	began := time.Now()
	l, err := Take(t.Context(), share, "leases", "stem", WithBoottime(func() time.Duration {
		return time.Since(began) + time.Duration(k.skew.Load())
	}))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	k.cancel = cancel
	go func() {
		err := l.Keep(ctx, terms, k.work.guard())
		l.Release()
		k.result <- err
	}()
	return k
}

func (k *keeping) beats(t *testing.T) (n int) {
	t.Helper()
	synctest.Wait()
	_, err := fmt.Sscanf(read(t, k.share, "leases/stem.hb"), "%d", &n)
	require.NoError(t, err)
	return n
}

func TestKeepBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t)
		before, err := k.share.Stat("leases/stem.hb")
		require.NoError(t, err)
		time.Sleep(10*terms.Heartbeat + time.Second)
		require.Equal(t, 11, k.beats(t))
		after, err := k.share.Stat("leases/stem.hb")
		require.NoError(t, err)
		require.Equal(t, before.Size(), after.Size())
		require.Equal(t, 3, k.work.looks, "each third beat looks at the claim")
		k.cancel()
		require.NoError(t, <-k.result)
		require.Empty(t, k.work.told())
		require.Empty(t, list(t, k.share, "leases"))
	})
}

func TestKeepEndsWhenTheClaimIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t)
		time.Sleep(time.Minute)
		k.work.set(func(w *work) { w.gone = true })
		require.ErrorIs(t, <-k.result, ErrLost)
		require.LessOrEqual(t, time.Since(k.work.began), time.Minute+3*terms.Heartbeat)
		require.Empty(t, list(t, k.share, "leases"))
	})
}

func TestKeepGoesOnWhileTheClaimCannotBeSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t)
		k.work.set(func(w *work) { w.err = syscall.EIO })
		time.Sleep(time.Hour)
		require.Equal(t, 361, k.beats(t))
		require.Empty(t, k.work.told(), "beats are good, so nobody expires it")
		k.cancel()
		require.NoError(t, <-k.result)
	})
}

func TestKeepWithholdsBeatsOfDeadWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t)
		k.work.set(func(w *work) { w.dead = true })
		time.Sleep(time.Hour)
		require.Equal(t, 1, k.beats(t))
		require.Empty(t, k.work.told())
		k.work.set(func(w *work) { w.gone = true })
		require.ErrorIs(t, <-k.result, ErrLost, "and it still notices that it was expired")
	})
}

// Whether writes fail or hang: the work stands still before the lease can expire, and goes on only once
// the claim was seen again.
func TestKeepFencesItself(t *testing.T) {
	breaks := map[string]func(o *outage) (heal func()){
		"fails": func(o *outage) func() { o.fail(syscall.EIO); return func() { o.fail(nil) } },
		"hangs": (*outage).stall,
	}
	for name, breakIt := range breaks {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := keep(t)
				time.Sleep(time.Minute + time.Second)
				heal := breakIt(k.out)
				k.work.set(func(w *work) { w.err = errors.New("the share does not answer") })
				time.Sleep(terms.Expiry - 2*time.Second)
				require.Equal(t, []string{"pause 2m45s"}, k.work.told(), "105 s after the beat at 60 s")
				time.Sleep(30 * time.Minute)
				heal()
				time.Sleep(terms.Heartbeat)
				require.Len(t, k.work.told(), 1, "the claim was not seen yet")
				k.work.set(func(w *work) { w.err = nil })
				time.Sleep(terms.Heartbeat)
				synctest.Wait()
				require.Len(t, k.work.told(), 2)
				require.Contains(t, k.work.told()[1], "resume")
				k.cancel()
				require.NoError(t, <-k.result)
			})
		})
	}
}

func TestKeepGivesUpAfterAFenceIfTheClaimIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t)
		heal := k.out.stall()
		time.Sleep(10 * time.Minute)
		k.work.set(func(w *work) { w.gone = true })
		heal()
		require.ErrorIs(t, <-k.result, ErrLost)
		require.Len(t, k.work.told(), 1, "paused and never resumed")
	})
}

// The machine slept for an hour: package time's clock stood still, CLOCK_BOOTTIME did not.
func TestKeepPausesAfterASuspend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t)
		time.Sleep(time.Minute + time.Second)
		k.skew.Add(int64(time.Hour))
		time.Sleep(terms.Heartbeat)
		synctest.Wait()
		require.Equal(t, []string{"pause 1m2.5s", "resume 1m2.5s"}, k.work.told(), "the share answers at once")
		k.cancel()
		require.NoError(t, <-k.result)
	})
}

func TestKeepEndsWithAShareThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t)
		heal := k.out.stall()
		time.Sleep(time.Minute)
		began := time.Now()
		k.cancel()
		require.NoError(t, <-k.result)
		require.LessOrEqual(t, time.Since(began), 2*callWait)
		heal()
	})
}

func TestSweptHeartbeatIsNotMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keep(t)
		require.NoError(t, k.share.Remove("leases/stem.hb"))
		time.Sleep(terms.Expiry)
		synctest.Wait()
		require.Equal(t, []string{"stem.lock"}, list(t, k.share, "leases"))
		require.Len(t, k.work.told(), 1, "nobody can see it beat, so it pauses")
		k.cancel()
		require.NoError(t, <-k.result)
	})
}
