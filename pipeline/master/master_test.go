package master

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// Whole jobs, with faults of all kinds, are played in test/sim and run in test/farm; here are the parts
// that decide by themselves.

func TestPersistenceCountsOnlyWhileSomebodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p persistence
		require.Zero(t, p.seen(10*time.Second))
		time.Sleep(8 * time.Second)
		require.Equal(t, 8*time.Second, p.seen(10*time.Second))
		time.Sleep(time.Hour) // an outage
		require.Zero(t, p.seen(10*time.Second), "time in which nobody looked does not count")
		time.Sleep(8 * time.Second)
		require.Equal(t, 8*time.Second, p.seen(10*time.Second))
	})
}

func TestChunksAreMadeOnceAndAnewOnlyWhenLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := &pipeline.Plan{Chunks: make([]pipeline.Chunk, 4)}
		// This master made the plan and has made two of its chunks.
		j := &job{plan: plan, chunks: chunkNotes{unmade: map[int]bool{2: true, 3: true}}}
		state := []pipeline.ChunkFile{{State: pipeline.Claimed}, {}, {}, {}}
		missing := func() []int { return j.missing(state, time.Minute, 10*time.Second) }
		require.Equal(t, []int{2, 3}, missing(), "those never made are due at once")
		for range 7 {
			time.Sleep(8 * time.Second)
			require.NotContains(t, missing(), 1, "it may just be on its way")
		}
		time.Sleep(8 * time.Second)
		require.Contains(t, missing(), 1)
		state[1].State = pipeline.Pending
		require.NotContains(t, missing(), 1)
		state[1].State = pipeline.Nowhere
		require.NotContains(t, missing(), 1, "counting begins anew")
	})
}

func TestTasksKeepTheirLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tasks := newTasks(t.Context(), func(string, time.Duration) {})
		defer tasks.stop()
		ended := 0
		work := func(context.Context) func() { time.Sleep(time.Second); return func() { ended++ } }
		require.True(t, tasks.start("plan/a", lane{all: 1}, work))
		require.False(t, tasks.start("plan/a", lane{all: 2}, work), "it runs already")
		require.False(t, tasks.start("plan/b", lane{all: 1}, work), "one at a time")
		require.True(t, tasks.start("split/b", lane{all: 1}, work), "stages do not hold up one another")
		require.False(t, tasks.idle())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		tasks.drain()
		tasks.drain()
		require.Equal(t, 2, ended)
		require.True(t, tasks.idle())
	})
}

func TestDuplicatesAreToldByContentAndSettings(t *testing.T) {
	settings := pipeline.Settings{Encoder: "x264", Options: "--crf 18", Profile: "one", Pieces: "copy"}
	a := &pipeline.Job{ID: "a", CRC32: "ABCDEF01", Size: 5, Settings: settings}
	same, other, again := *a, *a, *a
	same.Settings.Profile, same.Settings.Pieces = "two", "range"
	require.Equal(t, contentOf(a), contentOf(&same), "what does not change the output makes no other job")
	other.Settings.Options = "--crf 20"
	require.NotEqual(t, contentOf(a), contentOf(&other))

	l := newLedger()
	l.close(liveJob(a), true)
	again.ID = "b"
	l.forget(liveJob(&again))
	require.Equal(t, "a", twinOf(l.known, a), "another job's end does not make it unknown")
	l.forget(liveJob(a))
	require.Empty(t, twinOf(l.known, a))
}
