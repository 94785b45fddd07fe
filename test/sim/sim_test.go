package sim

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "the seed that TestSeed plays again")
	firstFlag = flag.Uint64("first", 1, "the first seed of TestSeeds")
	seedsFlag = flag.Int("seeds", 40, "how many seeds TestSeeds plays")
	aboutFlag = flag.String("about", "", "a word in names: TestSeed tells what happened to them")
	procsFlag = flag.Int("procs", 1, "in how many processes TestSeeds plays them")
)

// enough is after how many bad seeds TestSeeds stops: a bad one takes long.
const enough = 5

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // many short-lived small things, little that stays
	m.Run()
}

// TestSeed plays one seed again.
func TestSeed(t *testing.T) {
	if *seedFlag == 0 {
		t.Skip("no -seed given")
	}
	r := run(t, *seedFlag, nil, nil)
	t.Logf("seed %d: %v of virtual time, %d calls, history %x", r.seed, r.virtual.Round(time.Second), r.calls, r.sum)
	if *aboutFlag != "" {
		t.Log(r.history.about(*aboutFlag))
	}
	require.Empty(t, r.wrong, r.report)
}

// kept are seeds that once showed something to be wrong, with the code or with the simulation.
var kept = []uint64{300502, 303460, 401606, 11, 737, 1616, 14101, 18405, 7165}

// keptAnalysed are those since films are analysed: an encoder is replaced meanwhile, and put back in an encode; a
// worker has read a plan that a file server loses with its power; a source is deleted while its output is not durable;
// the try of a lock outlives the run; a server loses what was published, which nobody could make durable.
var keptAnalysed = []uint64{53195, 16994, 245, 18210, 16017, 428}

// TestKeptSeeds plays them again, the older ones as they were before films were analysed.
func TestKeptSeeds(t *testing.T) {
	for _, seed := range keptAnalysed {
		r := run(t, seed, nil, nil)
		require.Empty(t, r.wrong, r.report)
	}
	for _, seed := range kept {
		r := run(t, seed, nil, func(p *plan) { p.analyse = false })
		require.Empty(t, r.wrong, r.report)
	}
}

// TestSeeds plays many. The source of all chance is the process's, so it takes processes to play them
// side by side.
func TestSeeds(t *testing.T) {
	if *procsFlag > 1 {
		inProcesses(t, *procsFlag)
		return
	}
	began, virtual, calls, bad, played := time.Now(), time.Duration(0), 0, 0, 0
	copies, dropped := 0, 0
	for ; played < *seedsFlag && bad < enough; played++ {
		seed := *firstFlag + uint64(played)
		r := run(t, seed, nil, nil)
		virtual += r.virtual
		calls += r.calls
		copies, dropped = copies+r.count["second copy"], dropped+r.count["dropped"]
		if len(r.wrong) > 0 {
			bad++
			t.Error(r.report)
		}
	}
	t.Logf("%d seeds in %v: %.1f a second, %v of virtual time, %d calls, %d second copies, %d claims dropped", played,
		time.Since(began).Round(time.Millisecond),
		float64(played)/time.Since(began).Seconds(), virtual.Round(time.Second), calls, copies, dropped)
}

// inProcesses deals the seeds out to processes of this binary.
func inProcesses(t *testing.T, procs int) {
	began := time.Now()
	share := (*seedsFlag + procs - 1) / procs
	var wg sync.WaitGroup
	for n := range procs {
		wg.Go(func() {
			first := *firstFlag + uint64(n*share)
			cmd := exec.Command(os.Args[0], "-test.run=^TestSeeds$", "-test.v", "-test.timeout=0", fmt.Sprint("-first=", first),
				fmt.Sprint("-seeds=", min(share, *seedsFlag-n*share)))
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr // at once: a bad seed can be looked at while others are played
			if err := cmd.Run(); err != nil {
				t.Errorf("%v: %v", cmd, err)
			}
		})
	}
	wg.Wait()
	t.Logf("%d seeds in %v: %.1f a second", *seedsFlag, time.Since(began).Round(time.Second),
		float64(*seedsFlag)/time.Since(began).Seconds())
}

// TestSameSeedSameHistory is what makes a failing seed worth anything. A select that finds two cases ready
// takes either, and no seed decides that, nor which of several late requests lands first when a server is back. So a
// history has to come again, not every time; these seeds have few such moments.
func TestSameSeedSameHistory(t *testing.T) {
	for _, seed := range []uint64{3, 8, 9} {
		seen := map[string]bool{}
		for again := false; !again; {
			r := run(t, seed, nil, nil)
			sum := fmt.Sprintf("%v %d %x", r.virtual, r.calls, r.sum)
			again = seen[sum]
			seen[sum] = true
			require.Less(t, len(seen), 4, "seed %d: %v", seed, seen)
		}
	}
}

// words of a report that a person needs.
func TestReportCanBeFollowed(t *testing.T) {
	r := run(t, 1, fixedName, quiet)
	require.NotEmpty(t, r.wrong)
	for _, word := range []string{"seed 1 on", "masters", "chunks/done", "go test ./test/sim -run TestSeed -seed=1"} {
		require.Contains(t, r.report, word)
	}
	require.Less(t, strings.Count(r.report, "\n"), told+12)
}

// quiet is a plan without faults.
func quiet(p *plan) {
	*p = plan{
		crew:      crew{masters: 1, workers: 2, slots: 1, encode: 2 * time.Second},
		mounts:    mounts{latency: 2 * time.Millisecond, rate: 1, locks: "good"},
		inboxPlan: inboxPlan{films: 1, drops: []string{"renamed"}, keep: "archive"},
	}
}
