package media

import (
	"errors"
	"sync"
)

// errEnded is the answer to a signal for a child that has ended.
var errEnded = errors.New("the process has ended")

// Process is a running child and its group. All methods may be called from any goroutine, also after
// the end, when they do nothing.
type Process struct {
	mu   sync.Mutex
	pid  int // 0: not started yet
	gone bool
}

// PID is the child's process id, which is its group's too.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}
