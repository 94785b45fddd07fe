package farm

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

// How long a file server on the local network takes: to answer, and to bring something to its disk.
const (
	answer = 500 * time.Microsecond
	commit = 3 * time.Millisecond
)

// newShare makes an empty share in memory where there is such a file system: the disk's own time is none
// of what is measured.
func newShare(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "distenc-bench-")
	if err != nil {
		dir, err = os.MkdirTemp("", "distenc-bench-")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for _, folder := range pipeline.Folders() {
		if err := os.MkdirAll(path.Join(dir, folder), 0o775); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// What a call to the share was for.
const (
	forChunk   = iota // a chunk, from its cut to its removal
	forIdle           // looking for work, in vain or not
	forOwnBeat        // a worker's heartbeats, its file in nodes/ too, and its looks whether it has its claim
	forBeat           // reading heartbeats, and the leader's own
	forRest           // all else: the master's rounds, taking in, planning, publishing
	purposes
)

// traffic counts the calls of all nodes.
type traffic struct {
	mu    sync.Mutex
	calls [purposes]map[string]int // by what they were for, then by operation
	born  map[string]bool          // heartbeat files that are written already: what comes now is a beat
}

func newTraffic() *traffic {
	c := &traffic{born: map[string]bool{}}
	c.clear()
	return c
}

func (c *traffic) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.calls {
		c.calls[i] = map[string]int{}
	}
}

// sum counts the calls for something. fstat and close are left out: a client answers the first from what
// the open told it, and nobody waits for the second.
func (c *traffic) sum(purpose int) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for op, count := range c.calls[purpose] {
		if op != "fstat" && op != "close" {
			n += count
		}
	}
	return n
}

// mount is one node's view of the share.
type mount struct {
	traffic *traffic
	worker  bool
	own     string      // its file in nodes/, without the ending
	claims  atomic.Bool // it has just claimed a chunk, and looks whether it has it
	busy    atomic.Bool // it encodes
	dead    atomic.Bool
}

var errDead = errors.New("this node has lost its power")

func (m *mount) open(dir string) *sharefs.FS {
	return sharefs.New(dir, sharefstest.WithHook(sharefs.OS(dir), m.call))
}

// call is made before each operation.
func (m *mount) call(op, name string) error {
	if m.dead.Load() {
		return errDead
	}
	m.traffic.count(m, op, name)
	switch op {
	case "fstat", "close", "write":
	case "sync", "syncdir", "rename", "link", "unlink", "mkdir", "rmdir":
		time.Sleep(commit)
	default:
		time.Sleep(answer)
	}
	return nil
}

func (c *traffic) count(m *mount, op, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[c.purpose(m, op, name)][op]++
}

func (c *traffic) purpose(m *mount, op, name string) int {
	dir := path.Dir(name)
	if op == "rename" && strings.Contains(name, " -> "+pipeline.ClaimedDir+"/") || op == "open" &&
		dir == pipeline.ClaimedDir {
		m.claims.Store(true)
	}
	switch {
	case m.worker && op == "readdir" && !m.busy.Load() && (name != pipeline.ClaimedDir || !m.claims.Swap(false)):
		return forIdle
	// others' speed
	case m.worker && dir == pipeline.Nodes && !strings.HasPrefix(name, m.own) && !strings.Contains(name, " -> "):
		return forIdle
	case m.worker && (strings.HasPrefix(name, pipeline.Nodes+"/") || m.busy.Load() && op == "readdir"):
		return forOwnBeat
	case strings.HasPrefix(name, pipeline.Nodes+"/"), dir == pipeline.MasterDir, name == pipeline.MasterDir,
		dir == pipeline.ProbeDir, name == pipeline.Leases:
		return forBeat
	case strings.HasSuffix(name, ".hb") && op != "unlink":
		born := c.born[name]
		c.born[name] = born || op == "close"
		switch {
		case born && m.worker:
			return forOwnBeat
		case born:
			return forBeat
		}
		return forChunk
	case m.worker, op != "readdir" && (strings.Contains(name, "chunks/") || dir == pipeline.Leases):
		return forChunk
	}
	return forRest
}

func quietLog() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
