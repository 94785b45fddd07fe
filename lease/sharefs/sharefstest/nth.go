package sharefstest

import (
	"sync"

	"github.com/distenc/distenc/lease/sharefs"
)

// Nth counts the operations on a share, and makes one of them fail. Its method Hook is a sharefs.Hook.
type Nth struct {
	Fail int   // which one, from 1; 0: none
	Err  error // how: an error, or one in sharefs.AnswerLost

	mu   sync.Mutex
	done []string
}

// Hook is called before every operation.
func (n *Nth) Hook(op, name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.done = append(n.done, op+" "+name)
	if len(n.done) == n.Fail {
		return n.Err
	}
	return nil
}

// Done returns the operations so far, "op name" each; their number tells how many there are to fail.
func (n *Nth) Done() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.done...)
}

var _ sharefs.Hook = (*Nth)(nil).Hook
