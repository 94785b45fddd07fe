//go:build linux

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
// jobs, while people remove, move, copy and link on the share and put an old copy of it back. Every output must be
// exact and nothing may be lost or left over. DISTENC_TEST_KILLS and DISTENC_TEST_JOBS set how many,
// DISTENC_TEST_SEED repeats the order of the choices.
func TestRandomKills(t *testing.T) {
	t.Parallel()
	kills, jobs := number(t, "DISTENC_TEST_KILLS", 8), number(t, "DISTENC_TEST_JOBS", 1)
	seed := uint64(number(t, "DISTENC_TEST_SEED", int(time.Now().UnixNano()%1e9)))
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, seed))
	f := newFarm(t, shortTerms+slow+"crop = \"auto\"\n") // so that films are analysed as well
	roles := [][]string{{"master"}, {"master"}, {"worker", "--slots", "1"}, {"worker", "--slots", "1"},
		{"worker", "--slots", "2"}}
	daemons := make([]*daemon, len(roles))
	for i, role := range roles {
		daemons[i] = f.start(role...)
	}
	p := newPeople(f, r, daemons)
	sources := []string{corpus.Make(t, "hi10p-fansub.mkv"), corpus.Make(t, "h264-open.mkv")}
	done := map[string]int{}
	for n := range jobs {
		source := sources[n%len(sources)]
		name := fmt.Sprintf("film%03d.mkv", n)
		f.dropAgain(source, name)
		for range (kills + jobs - 1) / jobs {
			time.Sleep(time.Duration(200+r.IntN(1800)) * time.Millisecond)
			if r.IntN(3) == 0 {
				done[p.act()]++
			} else {
				done[hurt(t, r, f, roles, daemons)]++
			}
		}
		f.eventually(name+" is out and put away", func() bool {
			outs, _ := filepath.Glob(filepath.Join(f.dir, "outbox", name))
			archived, _ := filepath.Glob(filepath.Join(f.dir, "archive", "*", name))
			done["tried again"] += p.tryAgain()
			return len(outs) > 0 && len(archived) > 0
		})
		t.Logf("%s is out", name)
	}
	f.eventually("all jobs have ended", func() bool {
		for _, j := range f.status().Jobs {
			if !j.Closed {
				return false
			}
		}
		return true
	})
	came := 0
	for _, j := range f.status().Jobs {
		if j.State.HasOutput() {
			came++
		}
	}
	require.GreaterOrEqual(t, f.status().History.All.Films, int64(came), "people may have removed the folder of one")
	for n := range jobs {
		source, base := sources[n%len(sources)], fmt.Sprintf("film%03d", n)
		outs, err := filepath.Glob(filepath.Join(f.dir, "outbox", base+"*")) // more than one where a job was put back
		require.NoError(t, err)
		for _, out := range outs {
			exact(t, source, out)
		}
		film, err := os.ReadFile(source)
		require.NoError(t, err)
		archived, err := filepath.Glob(filepath.Join(f.dir, "archive", "*", base+".mkv"))
		require.NoError(t, err)
		require.NotEmpty(t, archived, "every source is in the archive")
		for _, a := range archived {
			b, err := os.ReadFile(a)
			require.NoError(t, err)
			require.True(t, string(film) == string(b), "%s is the film", a)
		}
	}
	for _, folder := range []string{"inbox", "failed"} {
		names, err := filepath.Glob(filepath.Join(f.dir, folder, "*"))
		require.NoError(t, err)
		require.Empty(t, names)
	}
	p.keptAll(t)
	left := p.leftOvers()
	for n := 0; len(left) > 0 && n < 600; n++ {
		time.Sleep(200 * time.Millisecond)
		left = p.leftOvers()
	}
	require.Empty(t, left, "left over")
	t.Logf("%d jobs exact through %v", jobs, done)
}

// dropAgain drops a film that may have been encoded before.
func (f *farm) dropAgain(source, name string) {
	f.t.Helper()
	settings := filepath.Join(f.dir, "inbox", name+".distenc.toml")
	require.NoError(f.t, os.WriteFile(settings, []byte("again = true\n"), 0o644))
	f.drop(source, name)
}

// hurt does one random harm, and says which.
func hurt(t *testing.T, r *rand.Rand, f *farm, roles [][]string, daemons []*daemon) string {
	t.Helper()
	i := r.IntN(len(daemons))
	d := daemons[i]
	select {
	case <-d.ended: // its child was killed while it looked at its tools; a service manager starts it again
		require.Contains(t, d.log.String(), "signal: killed")
		daemons[i] = f.start(roles[i]...)
		return "started again " + roles[i][0]
	default:
	}
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
