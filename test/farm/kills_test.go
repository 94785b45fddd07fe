package farm_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// number reads how long a test runs from the environment: `make test-faults` sets it.
func number(t *testing.T, name string, short int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return short
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

// TestRandomKills kills and freezes masters, workers and their ffmpegs at random moments through many
// jobs. Every output must be exact and nothing may be lost or left over. DISTENC_TEST_KILLS and
// DISTENC_TEST_JOBS set how many, DISTENC_TEST_SEED repeats the order of the choices.
func TestRandomKills(t *testing.T) {
	kills, jobs := number(t, "DISTENC_TEST_KILLS", 8), number(t, "DISTENC_TEST_JOBS", 1)
	seed := uint64(number(t, "DISTENC_TEST_SEED", int(time.Now().UnixNano()%1e9)))
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, seed))
	f := newFarm(t, shortTerms+slowProfile)
	roles := [][]string{{"master"}, {"master"}, {"worker", "--slots", "1"}, {"worker", "--slots", "1"}, {"worker", "--slots", "2"}}
	daemons := make([]*daemon, len(roles))
	for i, role := range roles {
		daemons[i] = f.start(role...)
	}
	sources := []string{corpus.Make(t, "hi10p-fansub.mkv"), corpus.Make(t, "h264-open.mkv")}
	done := map[string]int{}
	for n := range jobs {
		source := sources[n%len(sources)]
		f.must("add", "--again", source)
		for range (kills + jobs - 1) / jobs {
			time.Sleep(time.Duration(200+r.IntN(1800)) * time.Millisecond)
			done[hurt(t, r, f, roles, daemons)]++
		}
		var j pipeline.JobStatus
		f.eventually(fmt.Sprintf("job %d done", n+1), func() bool {
			s := f.status()
			if len(s.Jobs) != n+1 {
				return false
			}
			j = s.Jobs[n]
			return j.State == pipeline.Done || j.State == pipeline.JobFailed
		})
		require.Equal(t, pipeline.Done, j.State, j.Error)
		exact(t, source, filepath.Join(f.dir, j.Output))
	}
	f.nothingLeft()
	outs, err := filepath.Glob(filepath.Join(f.dir, "outbox", "*"))
	require.NoError(t, err)
	require.Len(t, outs, jobs, "one output a job")
	archived, err := filepath.Glob(filepath.Join(f.dir, "archive", "*", "*"))
	require.NoError(t, err)
	require.Len(t, archived, jobs, "every source is in the archive")
	t.Logf("%d jobs exact through %v", jobs, done)
}

// hurt does one random harm, and says which.
func hurt(t *testing.T, r *rand.Rand, f *farm, roles [][]string, daemons []*daemon) string {
	t.Helper()
	i := r.IntN(len(daemons))
	d := daemons[i]
	switch r.IntN(4) {
	case 0: // a child of it, if it has one
		out, err := exec.Command("pgrep", "-P", strconv.Itoa(d.Process.Pid)).Output()
		if children := strings.Fields(string(out)); err == nil && len(children) > 0 {
			pid, err := strconv.Atoi(children[r.IntN(len(children))])
			require.NoError(t, err)
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
			return "killed child of " + roles[i][0]
		}
		fallthrough
	case 1: // it stands still, for longer than the expiry or not
		require.NoError(t, d.Process.Signal(syscall.SIGSTOP))
		time.Sleep(time.Duration(500+r.IntN(4500)) * time.Millisecond)
		require.NoError(t, d.Process.Signal(syscall.SIGCONT))
		return "froze " + roles[i][0]
	default:
		d.kill()
		daemons[i] = f.start(roles[i]...)
		return "killed " + roles[i][0]
	}
}
