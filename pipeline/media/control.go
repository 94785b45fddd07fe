package media

import "errors"

// errEnded is the answer to a signal for a child that has ended.
var errEnded = errors.New("the process has ended")

// PID is the child's process id, which is its group's too.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}
