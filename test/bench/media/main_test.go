//go:build linux

// Package media_test compares what distenc does with files to what has to be done in any case: one whole
// ffmpeg, cat, cp. Both sides of a ratio are measured in turn in one run, so that what else the machine does
// falls on both. `make bench` runs it; docs/performance.md has the figures.
package media_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var binary string

// A bench wants the machine for itself, so it must be asked for; repeat is how often each side is measured,
// if it is said.
var asked, repeat = os.Getenv("DISTENC_BENCH") != "", os.Getenv("DISTENC_BENCH_TIMES")

// older is another distenc that is measured beside this one, if it is named.
var older = os.Getenv("DISTENC_BENCH_OLDER")

func TestMain(m *testing.M) {
	if !asked {
		os.Exit(m.Run()) // the tests say why they are skipped
	}
	dir, err := os.MkdirTemp("", "distenc-bench-bin-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "distenc")
	if out, err := exec.Command("go", "build", "-o", binary,
		"github.com/distenc/distenc/cmd/distenc").CombinedOutput(); err != nil {
		panic(string(out))
	}
	// distenc knows no such variables, and says so.
	for _, name := range []string{"DISTENC_BENCH", "DISTENC_BENCH_TIMES", "DISTENC_BENCH_OLDER", "DISTENC_BENCH_CLIPS"} {
		_ = os.Unsetenv(name)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// versions are the programs that are measured, in turn, each against the same; what they are called ends a row's name.
func versions() map[string]string {
	out := map[string]string{"": binary}
	if older != "" {
		out[", older distenc"] = older
	}
	return out
}

// compareVersions measures all versions against the same, in turn, and prints a row for each.
func compareVersions(t *testing.T, n int, what, against string, ours func(program string), theirs func()) {
	t.Helper()
	all := map[string]*sides{}
	for range n {
		c := measure(theirs)
		for name, program := range versions() {
			if all[name] == nil {
				all[name] = &sides{}
			}
			all[name].theirs = append(all[name].theirs, c)
			all[name].ours = append(all[name].ours, measure(func() { ours(program) }))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		all[name].tell(t, what+name, against)
	}
}

// only skips a bench that was not asked for.
func only(t *testing.T) {
	t.Helper()
	if !asked {
		t.Skip("`make bench` runs it")
	}
}

// times is how often each side is measured; the median counts.
func times(t *testing.T, usual int) int {
	t.Helper()
	if repeat != "" {
		n, err := strconv.Atoi(repeat)
		require.NoError(t, err)
		return n
	}
	return usual
}

// cost is what something took.
type cost struct{ wall, cpu time.Duration }

// measure runs work, and adds up the time on processors of this process and of all its children that ended.
func measure(work func()) cost {
	before, began := processors(), time.Now()
	work()
	return cost{time.Since(began), processors() - before}
}

func processors() (sum time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			panic(err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}

// sides are the two that are compared, measured in turn.
type sides struct{ ours, theirs []cost }

func compare(n int, ours, theirs func()) sides {
	var s sides
	for range n {
		s.theirs = append(s.theirs, measure(theirs))
		s.ours = append(s.ours, measure(ours))
	}
	return s
}

func median(costs []cost, of func(cost) time.Duration) time.Duration {
	var all []time.Duration
	for _, c := range costs {
		all = append(all, of(c))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func wall(c cost) time.Duration { return c.wall }
func cpu(c cost) time.Duration  { return c.cpu }

func (s sides) ratio(of func(cost) time.Duration) float64 {
	return float64(median(s.ours, of)) / float64(max(1, median(s.theirs, of)))
}

// told is the ratio, and from three measurements on how far those of the single pairs lie apart.
func (s sides) told(of func(cost) time.Duration) string {
	text := fmt.Sprintf("%.3f", s.ratio(of))
	if len(s.ours) < 3 {
		return text
	}
	var pairs []float64
	for i := range s.ours {
		pairs = append(pairs, sides{s.ours[i : i+1], s.theirs[i : i+1]}.ratio(of))
	}
	return fmt.Sprintf("%s (%.2f to %.2f)", text, slices.Min(pairs), slices.Max(pairs))
}

// tell prints one row of the table.
func (s sides) tell(t *testing.T, what, against string) {
	t.Helper()
	fmt.Printf("| %s | %s | %s | %s | %.2f s | %.2f s |\n", what, against, s.told(wall), s.told(cpu),
		median(s.theirs, wall).Seconds(), median(s.theirs, cpu).Seconds())
}

func head(title string) {
	fmt.Printf("\n### %s\n\n| | against | wall | CPU | its wall | its CPU |\n| --- | --- | --- | --- | --- | --- |\n",
		title)
}

// run runs a program to its end.
func run(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, args...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", program, out[max(0, len(out)-2000):])
	return out
}
