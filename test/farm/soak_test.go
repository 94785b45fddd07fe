//go:build linux

package farm_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// soakFilms is how many different films there are in a soak.
var soakFilms = []string{"h264-closed.mkv", "two-frames.mkv", "h264-open.mkv"}

// soak is a farm that works for a long time while a part of it is restarted.
type soak struct {
	*farm
	random  *rand.Rand
	address string  // of the steady master's metrics
	steady  *daemon // a master and a worker in one process, never restarted
	helper  *daemon // a worker that is never restarted
	others  []*daemon
	frames  map[string]int // by the name of the source
	table   strings.Builder
	last    map[string]int // log lines at the last row
	harms   map[string]int
}

// usage is what a process holds at a time.
type usage struct{ rss, files, routines int }

// TestSoak lets a farm encode many short films while masters and workers are killed, stopped and frozen, and looks
// whether those that stay grow. `make soak` runs it: DISTENC_TEST_SOAK says for how many minutes,
// DISTENC_TEST_FILMS how many films come in that time.
func TestSoak(t *testing.T) {
	minutes, films := number(t, "DISTENC_TEST_SOAK", 0), number(t, "DISTENC_TEST_FILMS", 300)
	if minutes == 0 {
		t.Skip("it takes long: make soak")
	}
	s := newSoak(t)
	length, began := time.Duration(minutes)*time.Minute, time.Now()
	var rows []map[string]usage
	harm := began
	for dropped := 0; dropped < films || len(rows) < 3; time.Sleep(200 * time.Millisecond) {
		gone := time.Since(began)
		if dropped < films && gone >= length*time.Duration(dropped)/time.Duration(films) && s.behind(dropped) < 12 {
			s.drop(dropped)
			dropped++
		}
		if time.Now().After(harm) {
			s.harms[s.hurt()]++
			harm = time.Now().Add(time.Duration(4+s.random.IntN(12)) * time.Second)
		}
		if gone >= []time.Duration{length / 6, length / 2, length, 1 << 62}[len(rows)] {
			rows = append(rows, s.row(gone, dropped))
		}
	}
	s.judge(films)
	t.Logf("%d films exact through %v\n%s", films, s.harms, &s.table)
	for name, first := range rows[0] {
		last := rows[2][name]
		require.LessOrEqual(t, last.rss, first.rss*3/2+16<<10, "%s: resident memory in KiB", name)
		require.LessOrEqual(t, last.files, first.files+8, "%s: open files", name)
		require.LessOrEqual(t, last.routines, first.routines+16, "%s: goroutines or threads", name)
	}
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{
		farm: newFarm(t, shortTerms+fast), frames: map[string]int{},
		last:  map[string]int{},
		harms: map[string]int{}, random: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1)),
	}
	for _, name := range soakFilms {
		s.frames[name] = packets(t, corpus.Make(t, name))
	}
	s.address = freeAddress(t)
	s.steady = s.prepare("run", "--slots", "1")
	s.steady.Env = append(s.steady.Env, "DISTENC_HTTP_LISTEN="+s.address)
	s.launch(s.steady)
	s.helper = s.start("worker", "--slots", "1")
	s.others = []*daemon{s.start("master"), s.start("worker", "--slots", "1")}
	fmt.Fprintf(&s.table, "%-8s %-8s %10s %6s %12s %10s\n", "minute", "process", "RSS", "files", "goroutines",
		"lines/film")
	return s
}

// soakName is the n-th film's name.
func soakName(n int) string { return fmt.Sprintf("%04d-%s", n, soakFilms[n%len(soakFilms)]) }

func (s *soak) drop(n int) {
	s.dropAgain(corpus.Make(s.t, soakFilms[n%len(soakFilms)]), soakName(n))
}

// behind counts the films that were dropped and have not come out.
func (s *soak) behind(dropped int) int {
	outs, err := os.ReadDir(filepath.Join(s.dir, "outbox"))
	require.NoError(s.t, err)
	return dropped - len(outs)
}

// hurt kills or stops one of those that are restarted, or freezes the leading master until another one leads.
func (s *soak) hurt() string {
	i := s.random.IntN(len(s.others))
	d := s.others[i]
	switch s.random.IntN(5) {
	case 0:
		require.NoError(s.t, s.steady.Process.Signal(syscall.SIGSTOP))
		time.Sleep(5 * time.Second)
		require.NoError(s.t, s.steady.Process.Signal(syscall.SIGCONT))
		return "frozen leader"
	case 1, 2:
		d.stop(s.t)
	default:
		d.kill()
	}
	s.others[i] = s.start(d.Args[1:]...)
	return "restarted " + d.Args[1]
}

// row notes what the steady processes hold.
func (s *soak) row(gone time.Duration, films int) map[string]usage {
	all := map[string]usage{"run": s.least(s.steady, s.goroutines),
		"worker": s.least(s.helper, func() int { return proc(s.t, s.helper, "Threads") })}
	for name, d := range map[string]*daemon{"run": s.steady, "worker": s.helper} {
		u, lines := all[name], strings.Count(d.log.String(), "\n")
		what := "goroutines"
		if name == "worker" {
			what = "threads"
		}
		since := max(1, films-s.last["films "+name])
		fmt.Fprintf(&s.table, "%-8.1f %-8s %6.1f MiB %6d %4d %s %8.1f\n", gone.Minutes(), name, float64(u.rss)/1024, u.files,
			u.routines, what,
			float64(lines-s.last[name])/float64(since))
		s.last[name], s.last["films "+name] = lines, films
	}
	s.t.Logf("after %.1f minutes and %d films: %+v", gone.Minutes(), films, all)
	return all
}

// least is the least of some seconds: what is held for a moment is no leak.
func (s *soak) least(d *daemon, routines func() int) usage {
	u := usage{1 << 30, 1 << 30, 1 << 30}
	for range 20 {
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.Process.Pid))
		require.NoError(s.t, err)
		u = usage{min(u.rss, proc(s.t, d, "VmRSS")), min(u.files, len(files)), min(u.routines, routines())}
		time.Sleep(250 * time.Millisecond)
	}
	return u
}

// proc reads a number from a process's /proc/pid/status: proc_pid_status(5).
func proc(t *testing.T, d *daemon, key string) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.Process.Pid))
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^` + key + `:\s+(\d+)`).FindSubmatch(b)
	require.NotNil(t, found, "%s of %s", key, b)
	n, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return n
}

// goroutines asks the steady master's metrics.
func (s *soak) goroutines() int {
	answer, err := http.Get("http://" + s.address + "/metrics")
	require.NoError(s.t, err)
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	found := regexp.MustCompile(`(?m)^go_goroutines (\d+)`).FindSubmatch(b)
	require.NotNil(s.t, found, "%s", b)
	n, err := strconv.Atoi(string(found[1]))
	require.NoError(s.t, err)
	return n
}

// judge waits until all films are out and looks at each with another reader than ours.
func (s *soak) judge(films int) {
	s.t.Helper()
	s.eventually("all films are out", func() bool { return s.behind(films) <= 0 })
	for n := range films {
		require.Equal(s.t, s.frames[soakFilms[n%len(soakFilms)]], packets(s.t, filepath.Join(s.dir, "outbox", soakName(n))),
			soakName(n))
	}
	s.nothingLeft()
	done := 0
	for _, j := range s.status().Jobs {
		if j.State == pipeline.Done {
			done++
		}
	}
	require.Equal(s.t, films, done, "jobs")
	archived, err := filepath.Glob(filepath.Join(s.dir, "archive", "*", "*"))
	require.NoError(s.t, err)
	require.Len(s.t, archived, films, "every source is in the archive")
	inbox, err := os.ReadDir(filepath.Join(s.dir, "inbox"))
	require.NoError(s.t, err)
	require.Empty(s.t, inbox)
}

// packets counts a film's frames with ffprobe.
func packets(t *testing.T, file string) int {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets", "-show_entries",
		"stream=nb_read_packets", "-of", "csv=p=0", file).Output()
	require.NoError(t, err, file)
	n, err := strconv.Atoi(string(bytes.TrimRight(out, ",\n")))
	require.NoError(t, err, file)
	return n
}
