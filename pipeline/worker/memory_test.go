package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

func TestASlotIsUsedOnlyWhileItFits(t *testing.T) {
	const gb = 1_000_000_000
	free := int64(10 * gb)
	w := New(Options{Machine: Machine{Threads: 2, Memory: func() (int64, int64) { return free, 16 * gb }}})
	plan := &pipeline.Plan{Memory: pipeline.Memory{Fixed: 4 * gb, Thread: gb}} // 6 GB
	release, fits := w.promise(plan, w.Machine.Threads)
	require.True(t, fits)
	_, fits = w.promise(plan, w.Machine.Threads)
	require.False(t, fits, "another slot is just claiming one")
	require.Equal(t, "a chunk needs about 6.0 GB of memory, 4.0 GB are free", w.memory.lacks())
	state, why := w.idleState(time.Now())
	require.Equal(t, pipeline.NodeResting, state)
	require.Equal(t, w.memory.lacks(), why)

	task := &Task{Plan: plan, Threads: 2}
	w.running.add(task)
	release()
	_, fits = w.promise(plan, w.Machine.Threads)
	require.False(t, fits, "an encode has begun and will take it")
	task.Controlled(&Control{Memory: func() int64 { return 5 * gb }})
	free = 7 * gb // it still takes 1
	release, fits = w.promise(plan, w.Machine.Threads)
	require.True(t, fits)
	release()
	release()
	free -= 2 * gb
	_, fits = w.promise(plan, w.Machine.Threads)
	require.False(t, fits)
	w.memory.forgetOthers(nil)
	require.Empty(t, w.memory.lacks())

	_, _ = w.memory.promise("job", gb, func() int64 {
		require.False(t, w.memory.mu.TryLock(), "a claim that is won now would be counted neither as promised nor as owed")
		return 0
	})
	_, fits = w.promise(&pipeline.Plan{}, 2)
	require.True(t, fits, "a plan that does not say")
	_, fits = New(Options{}).promise(plan, 2)
	require.True(t, fits, "a machine that does not say")
}
