package farm

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

const (
	streams      = 500
	streamsToken = "0123456789abcdef"
)

// TestStreams prints what it costs the real master, on one core, to tell many browsers of jobs that are as large as
// jobs get (2,000 chunks) on many nodes, each of which moves on every ten seconds.
func TestStreams(t *testing.T) {
	if os.Getenv("DISTENC_BENCH") == "" {
		t.Skip("`make bench` runs it")
	}
	binary := filepath.Join(t.TempDir(), "distenc")
	out, err := exec.Command("go", "build", "-o", binary, "github.com/distenc/distenc/cmd/distenc").CombinedOutput()
	require.NoError(t, err, string(out))
	dir := newShare(t)
	s := season{films: 5, seconds: 28_000, chunk: 3, nodes: 200}
	chunks := s.fill(t, dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	tokens, own := filepath.Join(t.TempDir(), "tokens"), filepath.Join(t.TempDir(), "own.toml")
	require.NoError(t, os.WriteFile(tokens, []byte(streamsToken+" anna\n"), 0o600))
	require.NoError(t, os.WriteFile(own, fmt.Appendf(nil, "[http]\nlisten = %q\ncontrol = %q\n", address, tokens), 0o600))
	daemon := exec.Command("taskset", "-c", "0", binary, "master", "--share", dir, "--config", own, "--log-level", "error")
	daemon.Env = append(os.Environ(), "GOMAXPROCS=1")
	var events, bytes int64
	var took, without time.Duration
	peak := watch(t, daemon, func() {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go s.work(ctx, t, dir)
		require.Eventually(t, func() bool { return answers(address) }, time.Minute, 100*time.Millisecond)
		without = spent(t, daemon.Process.Pid, func() { time.Sleep(watchFor / 2) })
		open := listen(ctx, t, address)
		took = spent(t, daemon.Process.Pid, func() { time.Sleep(watchFor) })
		events, bytes = open.events.Load(), open.bytes.Load()
	})
	fmt.Printf("\n### Streams of events, on one core\n\n| streams | nodes | jobs | chunks | events | MB | CPU | CPU without "+
		"streams | resident memory at most |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"+
		"| %d | %d | %d | %d | %d | %d | %.1f%% | %.1f%% | %d MB |\n", streams, s.nodes, s.films, chunks, events, bytes>>20,
		100*took.Seconds()/watchFor.Seconds(), 200*without.Seconds()/watchFor.Seconds(), peak>>20)
}

func answers(address string) bool {
	answer, err := http.Get("http://" + address + "/healthz")
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// work has each node say every ten seconds how far it is.
func (s season) work(ctx context.Context, t *testing.T, dir string) {
	share, err := sharefs.Open(dir)
	nodes, problem := pipeline.LoadNodes(share)
	if err != nil || problem != nil || len(nodes) != s.nodes {
		t.Error(err, problem, len(nodes))
		return
	}
	tick := time.NewTicker(10 * time.Second / time.Duration(s.nodes))
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		node := &nodes[n%len(nodes)].Node
		node.Seq++
		node.FPS = usualFPS + float64(n%7)/10
		for id, e := range node.Chunks {
			e.Frames = (e.Frames + 1) % e.Total
			node.Chunks[id] = e
		}
		if err := node.Write(share); err != nil {
			t.Error(err)
		}
	}
}

// heard counts what came over streams.
type heard struct{ events, bytes atomic.Int64 }

// listen opens the streams, half of them of people with a token and half of others, from as many addresses as a large
// house has.
func listen(ctx context.Context, t *testing.T, address string) *heard {
	t.Helper()
	h := &heard{}
	for n := range streams {
		from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 66, 0, byte(1+n%100))}}
		client := &http.Client{Transport: &http.Transport{DialContext: from.DialContext}}
		path := "/events"
		if n%2 == 1 {
			path = "/api/v1/events"
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, http.NoBody)
		require.NoError(t, err)
		if n%2 == 1 {
			r.Header.Set("Authorization", "Bearer "+streamsToken)
		}
		answer, err := client.Do(r)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, answer.StatusCode)
		go func() {
			defer func() { _ = answer.Body.Close() }()
			lines := bufio.NewReaderSize(answer.Body, 64<<10)
			for {
				part, more, err := lines.ReadLine()
				if err != nil {
					return
				}
				h.bytes.Add(int64(len(part)))
				if !more && len(part) == 0 {
					h.events.Add(1)
				}
			}
		}()
	}
	return h
}

// spent is the CPU time that a process takes while a function runs: proc_pid_stat(5), in hundredths of a second.
func spent(t *testing.T, pid int, during func()) time.Duration {
	t.Helper()
	ticks := func() (sum int) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		require.NoError(t, err)
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')'):]))
		for _, field := range fields[12:14] { // utime and stime
			n, err := strconv.Atoi(field)
			require.NoError(t, err)
			sum += n
		}
		return sum
	}
	before := ticks()
	during()
	return time.Duration(ticks()-before) * 10 * time.Millisecond
}
