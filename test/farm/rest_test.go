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
	const guard, load = "[disk]\nmin_free = \"1000TiB\"\n", "[worker]\nmax_load = 0.01\n"
	profile := "[profiles.default]\nx264 = \"--preset ultrafast\"\n"
	f := newFarm(t, shortTerms+guard+load+profile)
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
		return strings.Contains(master.log.String(), "no new file is taken") && strings.Contains(master.log.String(), "less than disk.min_free")
	})
	require.Len(t, f.status().Inbox, 1)

	reload(shortTerms+guard+profile, worker)
	rests("less than disk.min_free")
	require.Contains(t, f.must("status"), "less than disk.min_free")

	reload(shortTerms+load+profile, master, worker)
	f.eventually("it is taken in", func() bool { s := f.status(); return len(s.Jobs) == 1 && s.Jobs[0].Chunks.Pending == 1 })
	rests("others need the machine")
	require.Contains(t, f.must("nodes"), "more than worker.max_load (0.01)")

	reload(shortTerms+profile, worker)
	require.Equal(t, pipeline.Done, f.job(pipeline.Done, pipeline.JobFailed).State)
}

// The first signal is answered at once, whatever there is still to be done.
func TestTheFirstSignalIsAnswered(t *testing.T) {
	f := newFarm(t, shortTerms+slowProfile)
	both := f.start("run", "--slots", "1")
	f.must("add", corpus.Make(t, "hi10p-fansub.mkv"))
	f.eventually("a claim", func() bool { s := f.status(); return len(s.Jobs) > 0 && s.Jobs[0].Chunks.Claimed > 0 })
	both.stop(t)
	said := both.log.String()
	require.Less(t, strings.Index(said, "stopping: what is in work is handed back first"), strings.Index(said, "handed back\""), said)
	require.Contains(t, said, "stopping: what is in work")
	require.Contains(t, said, "\"handed back\"")
}
