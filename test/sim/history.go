package sim

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// event is one line of the history.
type event struct {
	at             time.Duration
	node, op, name string
	err            error
	note           string
}

func (e event) String() string {
	s := fmt.Sprintf("%10.3fs  %-12s %s %s", e.at.Seconds(), e.node, e.op, e.name)
	if e.note != "" {
		s += "  [" + e.note + "]"
	}
	if e.err != nil {
		s += ": " + e.err.Error()
	}
	return s
}

// history is what happened on the share.
type history struct {
	mu     sync.Mutex
	began  time.Time
	events []event
	calls  int
	sum    uint64 // of all events: two runs of one seed have the same
}

func (h *history) add(node, op, name string, err error, note string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := event{time.Since(h.began), node, op, name, err, note}
	h.calls++
	if note != "" || !slices.Contains(looks, op) {
		h.events = append(h.events, e)
	}
	if op != "log" {
		sum := uint64(e.at)
		for _, s := range []string{node, op, name, note} {
			for i := range len(s) {
				sum = sum*1099511628211 ^ uint64(s[i])
			}
		}
		h.sum += sum // several goroutines may come at one instant, in any order
	}
}

// looks are the calls that change no names: only their faults are kept.
var looks = []string{"read", "readdir", "open", "close", "fstat", "lstat", "sync", "syncdir", "write", "lock", "unlock",
	"rmdir"}

// told is how many lines are shown at most.
const told = 70

// about returns what a person needs to follow a violation: the faults, and what changed the names that
// words are in.
func (h *history) about(words ...string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var lines []string
	for _, e := range h.events {
		ours := len(words) == 0 || slices.ContainsFunc(words, func(w string) bool {
			return w != "" &&
				strings.Contains(e.name, w)
		})
		if e.op == "fault" || e.op == "log" && ours || ours && !strings.Contains(e.name, "leases/") {
			lines = append(lines, e.String())
		}
	}
	if cut := len(lines) - told; cut > 0 {
		lines = append([]string{fmt.Sprintf("(%d lines before)", cut)}, lines[cut:]...)
	}
	return strings.Join(lines, "\n")
}
