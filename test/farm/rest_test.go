//go:build linux

package farm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// A worker gives way to others on its machine, nothing is taken or claimed while the disk has too little
// room, and both say so. Each is lifted by SIGHUP, without a restart.
func TestLoadAndDiskGuard(t *testing.T) {
	t.Parallel()
	const guard, load = "[disk]\nmin_free = \"1000TiB\"\n", "[worker]\nmax_load = 0.01\n"
	profile := fast
	f := newFarm(t, calmTerms+guard+load+profile)
	reload := func(conf string, daemons ...*daemon) {
		require.NoError(t, os.WriteFile(filepath.Join(f.dir, "distenc.toml"), []byte(conf), 0o644))
		for _, d := range daemons {
			require.NoError(t, d.Process.Signal(syscall.SIGHUP))
		}
	}
	others := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done") // the load of other people's programs
	others.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, others.Start())
	t.Cleanup(func() { _ = others.Process.Kill(); _ = others.Wait() })

	master, worker := f.start("master"), f.start("worker", "--slots", "1")
	f.must("add", corpus.Make(t, "two-frames.mkv"))
	rests := func(why string) {
		t.Helper()
		f.eventually("a node that rests: "+why, func() bool {
			s := f.status()
			return len(s.Nodes) == 1 && s.Nodes[0].State == pipeline.NodeResting && strings.Contains(s.Nodes[0].Why, why)
		})
	}
	rests("others need the machine")
	f.eventually("the master says that there is no room", func() bool {
		return strings.Contains(master.log.String(), "no new file is taken") &&
			strings.Contains(master.log.String(), "less than disk.min_free")
	})
	require.Len(t, f.status().Inbox, 1)

	reload(calmTerms+guard+profile, worker)
	rests("less than disk.min_free")
	require.Contains(t, f.must("status"), "less than disk.min_free")

	reload(calmTerms+load+profile, master, worker)
	f.eventually("it is taken in", func() bool {
		s := f.status()
		return len(s.Jobs) == 1 &&
			s.Jobs[0].Chunks.Pending == 1
	})
	rests("others need the machine")
	require.Contains(t, f.must("nodes"), "more than worker.max_load (0.01)")

	reload(calmTerms+profile, worker)
	require.Equal(t, pipeline.Done, f.job(pipeline.Done, pipeline.JobFailed).State)
}

// The first signal is answered at once, whatever there is still to be done.
func TestTheFirstSignalIsAnswered(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	f.hold()
	both := f.start("run", "--slots", "1")
	f.must("add", corpus.Make(t, "hi10p-fansub.mkv"))
	f.one("chunks/claimed/*")
	both.stop(t)
	said := both.log.String()
	require.Less(t, strings.Index(said, "stopping: what is in work is handed back first"),
		strings.Index(said, "handed back\""), said)
	require.Contains(t, said, "stopping: what is in work")
	require.Contains(t, said, "\"handed back\"")
}

// Two workers of one host name, one of which fails whatever it encodes: it says so, and leaves the chunk to the others.
func TestABrokenWorkerFailsNoJob(t *testing.T) {
	t.Parallel()
	dir, _ := brokenFFmpeg(t)
	f := newFarm(t, calmTerms+fast)
	f.start("master")
	healthy := f.prepare("worker", "--slots", "1")
	healthy.Env = append(healthy.Env, "DISTENC_WORKER_HOURS="+hoursElsewhen()) // it is there, and has no time yet
	f.launch(healthy)
	f.eventually("the healthy worker is there", func() bool { return len(f.status().Nodes) == 1 })
	broken := f.prepare("worker", "--slots", "1")
	broken.Env = append(broken.Env, "PATH="+dir+":"+os.Getenv("PATH"))
	f.launch(broken)
	source := corpus.Make(t, "two-frames.mkv")
	f.must("add", source)
	var j pipeline.JobStatus
	f.eventually("the broken worker leaves the chunk, or it is set aside", func() bool {
		if s := f.status(); len(s.Jobs) == 1 {
			j = s.Jobs[0]
		}
		return j.Chunks.Failed > 0 || strings.Contains(f.must("nodes"), "left to other nodes for a while: ")
	})
	j = f.status().Jobs[0] // it may have been read before the failure was
	require.Zero(t, j.Chunks.Failed)
	require.Len(t, j.Failures, 1)
	f.start("worker", "--slots", "1")
	j = f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	exact(t, source, filepath.Join(f.dir, j.Output))
}

// Somebody wants this machine: its workers hand back what they encode, as does one that starts meanwhile, and say why.
// Woken, they go on.
func TestAMachineRestsAndIsWoken(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	f.start("master")
	release := f.hold()
	f.start("worker", "--slots", "1")
	f.start("worker", "--slots", "1")
	source := corpus.Make(t, "hi10p-fansub.mkv")
	f.must("add", source)
	encode := func(workers int) {
		t.Helper()
		f.eventually("all workers encode", func() bool {
			s := f.status()
			for _, n := range s.Nodes {
				if n.State != pipeline.NodeEncoding || n.Why != "" {
					return false
				}
			}
			return len(s.Nodes) == workers
		})
	}
	rest := func(workers int) {
		t.Helper()
		f.eventually("all workers rest", func() bool {
			s := f.status()
			for _, n := range s.Nodes {
				if n.State != pipeline.NodeResting || !strings.Contains(n.Why, "asked to rest by ") {
					return false
				}
			}
			return len(s.Nodes) == workers && s.Jobs[0].Chunks.Claimed == 0
		})
	}
	encode(2)
	host := pipeline.Host()
	require.Contains(t, f.must("nodes", "rest", "--now", host), host+" claims nothing more")
	rest(2)
	f.start("worker", "--slots", "1")
	rest(3)
	require.Contains(t, f.must("nodes"), "`distenc nodes wake "+host+"` ends it")
	require.Contains(t, f.fails(1, "nodes", "rest", "no-such-machine"), "there is no node")
	require.Contains(t, f.fails(2, "nodes", "rest"), "NODE is missing")

	f.must("nodes", "wake", f.status().Nodes[0].Node)
	encode(3)
	f.must("nodes", "rest", host)
	f.eventually("they are told, and finish what they encode", func() bool {
		for _, n := range f.status().Nodes {
			if n.State != pipeline.NodeEncoding || n.Why == "" {
				return false
			}
		}
		return true
	})
	release()
	rest(3)
	f.must("nodes", "wake", host)
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	exact(t, source, filepath.Join(f.dir, j.Output))
	reports, err := filepath.Glob(filepath.Join(f.dir, "jobs", j.ID, "log", "*"))
	require.NoError(t, err)
	require.Empty(t, reports, "handing back is no failure")
}
