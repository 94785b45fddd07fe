package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A copy into the inbox can take a day. Until it ends nobody asks every two seconds, and no slow node leaves
// chunks to others that are not at work.
func TestAnAnnouncementIsNotCountedOnForLong(t *testing.T) {
	b := newBackoff(time.Second)
	now := time.Unix(1000, 0)
	b.announced(true, now)
	require.True(t, b.expects())
	require.Equal(t, maxSoonWait, b.longest)
	now = now.Add(announcementFor)
	b.announced(true, now)
	require.False(t, b.expects())
	require.True(t, b.moreToCome())
	require.Equal(t, maxIdleWait, b.longest)
	b.announced(false, now)
	b.announced(true, now)
	require.True(t, b.expects(), "another one")
}

func TestWaitsGrowUntilSomethingIsFound(t *testing.T) {
	b := newBackoff(2 * time.Second)
	require.Equal(t, 2*time.Second, b.wait())
	require.Equal(t, 2500*time.Millisecond, b.wait())
	for range 20 {
		b.wait()
	}
	require.Equal(t, maxIdleWait, b.wait())
	b.announced(true, time.Unix(1000, 0))
	require.Equal(t, maxSoonWait, b.wait(), "even below the shortest")
	require.Equal(t, 1, b.missed())
	require.Equal(t, 2, b.missed())
	b.found()
	require.Equal(t, 1, b.missed())
	b.announced(false, time.Unix(1000, 0))
	require.Equal(t, 2*time.Second, b.wait())
}
