package lease

import (
	"context"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
)

func candidate(share *sharefs.FS, node string, opts ...Option) *Election {
	return NewElection(share, "master", node, "probe/"+node, terms, append([]Option{bubbleClock()}, opts...)...)
}

// standBy lets e wait for its turn; the result comes when it leads.
func standBy(ctx context.Context, e *Election) chan context.Context {
	result := make(chan context.Context, 1)
	go func() {
		lead, _ := e.Lead(ctx)
		result <- lead
	}()
	return result
}

func TestAloneLeadsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, _ := newShare(t, nil)
		a := candidate(share, "a")
		began := time.Now()
		lead, err := a.Lead(t.Context())
		require.NoError(t, err)
		require.Zero(t, time.Since(began))
		require.Equal(t, []string{"1.a.hb", "lock"}, list(t, share, "master"))
		time.Sleep(time.Hour)
		require.NoError(t, lead.Err())
		require.Equal(t, Leader{Node: "a", Epoch: 1, Since: began.Truncate(time.Second)}, a.Leader())
		leaders, err := Leaders(share, "master")
		require.NoError(t, err)
		require.Len(t, leaders, 1)
		require.True(t, leaders[0].Since.Equal(a.Leader().Since))

		a.Resign()
		require.Error(t, lead.Err())
		require.Equal(t, []string{"lock"}, list(t, share, "master"))
		lead, err = a.Lead(t.Context())
		require.NoError(t, err)
		require.NoError(t, lead.Err())
		require.Equal(t, []string{"2.a.hb", "lock"}, list(t, share, "master"), "a name is used for one term")
		a.Close()
		require.Empty(t, list(t, share, "probe"))
	})
}

func TestStandbyTakesOverAfterResignation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, _ := newShare(t, nil)
		a, b := candidate(share, "a"), candidate(share, "b")
		_, err := a.Lead(t.Context())
		require.NoError(t, err)
		turn := standBy(t.Context(), b)
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		require.Empty(t, turn)
		require.Equal(t, a.Leader().Node, b.Leader().Node)
		require.True(t, a.Leader().Since.Equal(b.Leader().Since))
		a.Resign()
		began := time.Now()
		require.NoError(t, (<-turn).Err())
		require.LessOrEqual(t, time.Since(began), terms.Heartbeat)
		require.Equal(t, "b", b.Leader().Node)
		b.Close()
		a.Close()
	})
}

func TestStandbyTakesOverFromASilentLeaderThatStepsDownLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &outage{}
		share, cut := newShare(t, out.hook)
		a, b := candidate(cut, "a"), candidate(share, "b")
		lead, err := a.Lead(t.Context())
		require.NoError(t, err)
		turn := standBy(t.Context(), b)
		time.Sleep(time.Minute + time.Second)
		heal := out.stall()
		began := time.Now()
		<-lead.Done()
		require.ErrorIs(t, context.Cause(lead), ErrSilent)
		require.Empty(t, turn, "the old leader has stopped before the new one begins")
		lead2 := <-turn
		require.LessOrEqual(t, time.Since(began), terms.Expiry+2*terms.Heartbeat)
		heal()
		synctest.Wait()
		require.Equal(t, []string{"2.b.hb", "lock"}, list(t, share, "master"), "the silent one's file was removed")

		turn = standBy(t.Context(), a)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Empty(t, turn)
		require.NoError(t, lead2.Err())
		require.Equal(t, "b", a.Leader().Node)
		b.Close()
		<-turn
		a.Close()
	})
}

// A frozen leader's clock may not have moved at all: it finds out by its next looks.
func TestFrozenLeaderIsDeposed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &outage{}
		share, cut := newShare(t, out.hook)
		a := candidate(cut, "a", WithBoottime(func() time.Duration { return 0 }))
		b := candidate(share, "b")
		lead, err := a.Lead(t.Context())
		require.NoError(t, err)
		heal := out.stall()
		lead2, err := b.Lead(t.Context())
		require.NoError(t, err)
		require.NoError(t, lead.Err())
		heal()
		began := time.Now()
		<-lead.Done()
		require.ErrorIs(t, context.Cause(lead), ErrDeposed)
		require.LessOrEqual(t, time.Since(began), 4*terms.Heartbeat)
		require.NoError(t, lead2.Err())
		a.Close()
		b.Close()
	})
}

func TestOfTwoAtOnceOneStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, _ := newShare(t, nil)
		a, b := candidate(share, "a"), candidate(share, "b")
		_, vacant, err := b.findRivals(t.Context())
		require.NoError(t, err)
		require.True(t, vacant)
		lead, err := a.Lead(t.Context())
		require.NoError(t, err)
		lead2, err := b.begin(t.Context(), nil) // it had looked before a began
		require.NoError(t, err)
		require.Equal(t, []string{"1.a.hb", "1.b.hb", "lock"}, list(t, share, "master"))
		<-lead.Done()
		require.ErrorIs(t, context.Cause(lead), ErrDeposed)
		a.Resign()
		time.Sleep(time.Hour)
		require.NoError(t, lead2.Err())
		require.Equal(t, []string{"1.b.hb", "lock"}, list(t, share, "master"))
		a.Close()
		b.Close()
	})
}

func TestKilledLeaderOfYesterdayIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, _ := newShare(t, nil)
		require.NoError(t, share.Create("master/7.old.hb", []byte("0000000000000009 2026-01-02T03:04:05Z\n")))
		require.NoError(t, share.Create("master/5.older.hb", nil))
		require.NoError(t, share.Create("master/notes.txt", nil))
		a := candidate(share, "a")
		turn := standBy(t.Context(), a)
		time.Sleep(time.Minute)
		require.Equal(t, Leader{Node: "old", Epoch: 7, Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, a.Leader())
		began := time.Now()
		<-turn
		require.LessOrEqual(t, time.Since(began), terms.Expiry)
		require.Equal(t, []string{"8.a.hb", "lock", "notes.txt"}, list(t, share, "master"))
		a.Close()
	})
}

func TestFreedMasterLockShortensTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, _ := newShare(t, nil)
		a := candidate(share, "a")
		_, err := a.Lead(t.Context())
		require.NoError(t, err)
		b := candidate(share, "b", WithProbes(func(node string) bool { return node == "a" }))
		turn := standBy(t.Context(), b)
		time.Sleep(time.Minute + time.Second)
		a.term.cancel(nil) // as if killed: no more beats, the lock is let go, the file stays
		<-a.term.done
		require.NoError(t, a.term.lease.held.release())
		began := time.Now()
		<-turn
		require.GreaterOrEqual(t, time.Since(began), 2*terms.Heartbeat)
		require.LessOrEqual(t, time.Since(began), 6*terms.Heartbeat)
		b.Close()
		a.Close()
	})
}

func TestLeadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &outage{}
		_, share := newShare(t, out.hook)
		out.fail(syscall.EIO)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		a := candidate(share, "a")
		_, err := a.Lead(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		a.Close()

		out.fail(nil)
		ctx, cancel = context.WithCancel(t.Context())
		lead, err := a.Lead(ctx)
		require.NoError(t, err)
		cancel()
		<-lead.Done()
		a.Close()
		require.Equal(t, []string{"lock"}, list(t, share, "master"))
	})
}

func TestParseLeader(t *testing.T) {
	l, ok := parseLeader("12.nas-m4x7k2.hb")
	require.True(t, ok)
	require.Equal(t, Leader{Node: "nas-m4x7k2", Epoch: 12}, l)
	for _, name := range []string{"lock", "x.hb", "0.a.hb", "-1.a.hb", "01.a.hb", "1.hb", "1..hb", "1.a",
		"9999999999999999999.a.hb"} {
		_, ok := parseLeader(name)
		require.False(t, ok, name)
	}
}
