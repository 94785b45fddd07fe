//go:build linux

package farm_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// Faults 1 and 14: a worker of three and the master are killed in the middle of a job.
func TestKilledWorkerAndMaster(t *testing.T) {
	t.Parallel()
	f := newFarm(t, shortTerms+fast)
	master := f.start("master")
	release := f.hold()
	killed := f.start("worker", "--slots", "1")
	source := corpus.Make(t, "hi10p-fansub.mkv")
	f.must("add", source)
	f.one("chunks/claimed/*")
	f.env = nil
	f.start("worker", "--slots", "1")
	f.start("worker", "--slots", "1")
	f.chunksDone(1)
	killed.kill()
	release()
	f.chunksDone(2)
	master.kill()
	f.start("master")
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	exact(t, source, filepath.Join(f.dir, j.Output))
	outs, err := filepath.Glob(filepath.Join(f.dir, "outbox", "*"))
	require.NoError(t, err)
	require.Len(t, outs, 1, "one output")
	f.nothingLeft()
	f.counted(1)
}

// Killed on this machine and started again: nobody waits for an expiry of ten minutes, because the kernel
// knows that the processes are gone.
func TestKilledAndStartedAgainOnTheSameMachine(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	release := f.hold()
	both := f.start("run", "--slots", "1")
	source := corpus.Make(t, "h264-open.mkv")
	f.must("add", source)
	f.one("chunks/claimed/*")
	both.kill()
	f.start("run", "--slots", "1")
	f.eventually("an expiry", func() bool { return f.status().Jobs[0].Retries > 0 })
	release()
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	require.Positive(t, j.Retries)
	exact(t, source, filepath.Join(f.dir, j.Output))
}

// Fault 4: a worker stands still for longer than the expiry, and then goes on.
func TestFrozenWorker(t *testing.T) {
	t.Parallel()
	f := newFarm(t, shortTerms+fast)
	f.start("master")
	release := f.hold()
	frozen := f.start("worker", "--slots", "1")
	source := corpus.Make(t, "h264-open.mkv")
	f.must("add", source)
	f.one("chunks/claimed/*")
	require.NoError(t, frozen.Process.Signal(syscall.SIGSTOP))
	f.eventually("an expiry", func() bool {
		j := f.status().Jobs[0]
		return j.Retries > 0 && j.Chunks.Claimed == 0
	})
	release() // its encode ends meanwhile
	f.start("worker", "--slots", "1")
	f.chunksDone(1)
	require.NoError(t, frozen.Process.Signal(syscall.SIGCONT))
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	require.Positive(t, j.Retries)
	exact(t, source, filepath.Join(f.dir, j.Output))
	f.nothingLeft()
}

// Fault 13: two masters through a whole job, the leading one stalled in the middle until the other leads.
func TestTwoMasters(t *testing.T) {
	t.Parallel()
	f := newFarm(t, shortTerms+fast)
	first := f.start("master")
	leader := func() string {
		if m := f.status().Master; m != nil {
			return m.Node
		}
		return ""
	}
	f.eventually("a leader", func() bool { return leader() != "" })
	stalled := leader()
	f.start("master")
	f.start("worker", "--slots", "2")
	source := corpus.Make(t, "h264-open.mkv")
	f.must("add", source)
	f.chunksDone(1)
	require.NoError(t, first.Process.Signal(syscall.SIGSTOP))
	f.eventually("a takeover", func() bool { now := leader(); return now != "" && now != stalled })
	require.NoError(t, first.Process.Signal(syscall.SIGCONT))
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	exact(t, source, filepath.Join(f.dir, j.Output))
	outs, err := filepath.Glob(filepath.Join(f.dir, "outbox", "*"))
	require.NoError(t, err)
	require.Len(t, outs, 1)
	f.nothingLeft()
	f.counted(1)
}

// A worker that is told to stop hands its chunk back at once: nobody waits for an expiry.
func TestStoppedWorkerHandsBack(t *testing.T) {
	t.Parallel()
	f := newFarm(t, `
[watch]
settle = "1s"
[split]
chunk = "30s"
`+fast)
	f.start("master")
	f.hold()
	w := f.start("worker", "--slots", "1")
	f.must("add", corpus.Make(t, "hi10p-fansub.mkv"))
	f.one("chunks/claimed/*")
	w.stop(t)
	require.Equal(t, 0, w.ProcessState.ExitCode())
	s := f.status()
	require.Zero(t, s.Jobs[0].Chunks.Claimed)
	require.Equal(t, s.Jobs[0].Chunks.Total, s.Jobs[0].Chunks.Pending)
	require.Empty(t, s.Nodes)
	leases, err := filepath.Glob(filepath.Join(f.dir, "leases", "*"))
	require.NoError(t, err)
	require.Empty(t, leases)
}
