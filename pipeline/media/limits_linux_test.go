package media

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hurried lets a child be silent for a quarter of a second.
var hurried = Tools{Hurry: 2400}

func TestAChildWithoutASignOfLifeIsStopped(t *testing.T) {
	_, err := hurried.Run(t.Context(), shell(`exec sleep 100000`))
	require.ErrorAs(t, err, new(*LimitError))
	require.EqualError(t, err, "sh was stopped: it showed no sign of life for 250ms")
	require.Equal(t, err.Error(), Fault(err))
}

func TestAChildThatOnlyBurnsTimeIsStopped(t *testing.T) {
	const forever = `while :; do :; done`
	c := shell(forever)
	c.Limits.CPU = 10 * time.Minute
	_, err := hurried.Run(t.Context(), c)
	require.EqualError(t, err, "sh was stopped: it took more than 250ms on processors")

	for _, script := range []string{forever, `while :; do echo frame=7; echo progress=continue; done`} {
		c := shell(script)
		c.Stdout, c.Limits.Stall = NewProgress(func(int, int64) {}), 10*time.Minute
		_, err = hurried.Run(t.Context(), c)
		require.EqualError(t, err, "sh was stopped: it made no progress in 250ms on processors")
	}
}

// Whoever makes progress may take many times what one may take without.
func TestProgressIsWhatCounts(t *testing.T) {
	c := shell(`i=0; while [ $i -lt 200000 ]; do i=$((i+1)); [ $((i%1000)) = 0 ] && echo "frame=$i" && echo progress=continue; done; exit 0`)
	c.Stdout, c.Limits.Stall = NewProgress(func(int, int64) {}), 5*time.Minute
	_, err := hurried.Run(t.Context(), c)
	require.NoError(t, err)
}

// A child that was stopped (the lease does so while the share is away) is not at fault.
func TestAStoppedChildIsLeftAlone(t *testing.T) {
	c := shell(`kill -STOP $$; exit 0`)
	c.Started = func(p *Process) {
		go func() {
			for !p.waits() || cpuState(p.PID()) != "T" {
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(time.Second) // several times what it may be silent
			_ = p.Resume()
		}()
	}
	_, err := hurried.Run(t.Context(), c)
	require.NoError(t, err)
}

func cpuState(pid int) string {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	return fields[0]
}

// While the share does not answer nobody is at fault for standing still, and afterwards counting begins anew.
func TestAShareThatIsAwayExcusesItsReaders(t *testing.T) {
	tools := hurried
	var asked atomic.Int64
	tools.Answers = func() bool { return asked.Add(1) > 2*checksPerSilence }
	_, err := tools.Run(t.Context(), shell(`exec sleep 100000`))
	require.ErrorContains(t, err, "no sign of life")
	require.GreaterOrEqual(t, asked.Load(), int64(2*checksPerSilence+checksPerSilence/2))
}

// A child that waits for us to read what it wrote is not at fault.
func TestASlowReaderExcusesItsWriter(t *testing.T) {
	c := shell(`head -c 500000 /dev/zero`)
	slow := &slowWriter{}
	c.Stdout = slow
	_, err := hurried.Run(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, 500000, slow.n)
}

type slowWriter struct{ n int }

func (w *slowWriter) Write(b []byte) (int, error) {
	if w.n == 0 {
		time.Sleep(time.Second) // several times what a child may be silent
	}
	w.n += len(b)
	return len(b), nil
}

func TestAFileThatGrowsWithoutEndIsCutOff(t *testing.T) {
	name := filepath.Join(t.TempDir(), "big")
	_, err := Tools{}.Run(t.Context(), Command{
		Program: "/bin/dd", Args: []string{"if=/dev/zero", "of=" + name, "bs=1M", "count=2000"},
		Limits: Limits{File: 4 << 20},
	})
	require.EqualError(t, err, "dd was stopped: it wrote more than 4194304 bytes")
	require.Less(t, Size(name), int64(2000<<20))
}

func TestTheKernelKnowsTheLimits(t *testing.T) {
	var text []byte
	c := Command{Program: "/bin/sleep", Args: []string{"0.2"}, Limits: Limits{CPU: 40 * time.Second, File: 12345}}
	c.Started = func(p *Process) { text, _ = os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.PID())) }
	_, err := Tools{}.Run(t.Context(), c)
	require.NoError(t, err)
	for _, line := range []string{
		`Max cpu time +50 +50`, `Max file size +12345 +12345`, `Max core file size +0 +0`,
		fmt.Sprintf(`Max data size +%d +%d`, memory(), memory()),
	} {
		require.Regexp(t, regexp.MustCompile(line), string(text))
	}
}

func TestACrashIsTheFilesFault(t *testing.T) {
	for signal, fault := range map[string]string{"SEGV": "sh crashed (segmentation fault)", "ABRT": "sh crashed (aborted)",
		"KILL": "", "TERM": ""} {
		_, err := Tools{}.Run(t.Context(), shell("kill -"+signal+" $$"))
		require.Error(t, err)
		require.Equal(t, fault, Fault(err))
	}
	_, err := Tools{}.Run(t.Context(), shell("exit 1"))
	require.Empty(t, Fault(err))
}

// What honest work takes must stay far below: 4K with preset placebo at a frame in a minute on eight cores, an hour of
// lossless 4:4:4, a disk image of 100 GB read at 10 MB/s by one slow core.
func TestHonestWorkIsFarFromItsLimits(t *testing.T) {
	const cores, pixels = 8, 3840 * 2160
	l := Encoding(1480, 480, pixels)
	require.Greater(t, l.CPU, 480*cores*time.Minute)
	require.Greater(t, l.Stall, 40*cores*time.Minute)
	require.Greater(t, l.File, int64(480)*pixels*6)
	require.Greater(t, Reading(100<<30).CPU, 10000*time.Second)
	require.Greater(t, Copying(1<<30).File, int64(10<<30))
	require.GreaterOrEqual(t, Reading(0).CPU, 5*time.Minute)
}
