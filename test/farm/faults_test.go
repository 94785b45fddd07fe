package farm_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

const slowProfile = "[profiles.default]\nx264 = \"--preset slower --crf 20\"\n"

// Faults 1 and 14: a worker of three and the master are killed in the middle of a job.
func TestKilledWorkerAndMaster(t *testing.T) {
	f := newFarm(t, shortTerms+slowProfile)
	master := f.start("master")
	workers := []*daemon{f.start("worker", "--slots", "1"), f.start("worker", "--slots", "1"),
		f.start("worker", "--slots", "1")}
	source := corpus.Make(t, "hi10p-fansub.mkv")
	f.must("add", source)
	f.chunksDone(1)
	workers[0].kill()
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
}

// Killed on this machine and started again: nobody waits for an expiry of ten minutes, because the kernel
// knows that the processes are gone.
func TestKilledAndStartedAgainOnTheSameMachine(t *testing.T) {
	f := newFarm(t, strings.Replace(shortTerms, `expiry = "3s"`, `expiry = "10m"`, 1)+slowProfile)
	both := f.start("run", "--slots", "1")
	source := corpus.Make(t, "h264-open.mkv")
	f.must("add", source)
	f.eventually("a claim", func() bool { s := f.status(); return len(s.Jobs) > 0 && s.Jobs[0].Chunks.Claimed > 0 })
	both.kill()
	f.start("run", "--slots", "1")
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	require.Positive(t, j.Retries)
	exact(t, source, filepath.Join(f.dir, j.Output))
}

// Fault 4: a worker stands still for longer than the expiry, and then goes on.
func TestFrozenWorker(t *testing.T) {
	f := newFarm(t, shortTerms+slowProfile)
	f.start("master")
	frozen := f.start("worker", "--slots", "1")
	source := corpus.Make(t, "h264-open.mkv")
	f.must("add", source)
	f.eventually("a claim", func() bool { s := f.status(); return len(s.Jobs) > 0 && s.Jobs[0].Chunks.Claimed > 0 })
	require.NoError(t, frozen.Process.Signal(syscall.SIGSTOP))
	f.eventually("an expiry", func() bool {
		j := f.status().Jobs[0]
		return j.Retries > 0 && j.Chunks.Claimed == 0
	})
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
	f := newFarm(t, shortTerms+"[profiles.default]\nx264 = \"--preset ultrafast\"\n")
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
}

// A worker that is told to stop hands its chunk back at once: nobody waits for an expiry.
func TestStoppedWorkerHandsBack(t *testing.T) {
	f := newFarm(t, `
[watch]
settle = "1s"
[split]
chunk = "30s"
`+slowProfile)
	f.start("master")
	w := f.start("worker", "--slots", "1")
	f.must("add", corpus.Make(t, "hi10p-fansub.mkv"))
	f.eventually("a claim", func() bool { s := f.status(); return len(s.Jobs) > 0 && s.Jobs[0].Chunks.Claimed > 0 })
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
