package worker

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A child that hangs gets no beats. One that has ended does: the worker checks and stores its result,
// which can take longer than the expiry.
func TestAliveUntilTheResultIsStored(t *testing.T) {
	task := &Task{}
	alive := new(Worker).guard(task, nil).Alive
	require.True(t, alive(), "no child yet")
	life := int64(10)
	task.Controlled(&Control{Life: func() int64 { return life }})
	require.True(t, alive())
	life = 20
	require.True(t, alive(), "it computes")
	require.False(t, alive(), "it hangs")
	task.Progress(1, 1)
	require.True(t, alive(), "it writes")
	life = Ended
	require.True(t, alive())
	require.True(t, alive(), "its result is being checked")
}

// The next try of an encode may begin while no heartbeat can be written.
func TestAChildThatStartsUnderAFencedLeaseIsPaused(t *testing.T) {
	task, running := &Task{}, 0
	child := func() *Control {
		running++
		return &Control{Pause: func() error { running--; return nil }, Resume: func() error { running++; return nil }}
	}
	guard := new(Worker).guard(task, nil)
	task.Controlled(child())
	guard.Pause()
	require.Zero(t, running)
	task.Controlled(nil)
	task.Controlled(child())
	require.Zero(t, running, "another try")
	require.True(t, guard.Alive())
	guard.Resume()
	require.Equal(t, 1, running)
	task.Controlled(nil)
	guard.Pause()
	guard.Resume()
	task.Controlled(child())
	require.Equal(t, 2, running)
}
