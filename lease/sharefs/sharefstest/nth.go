package sharefstest

import "sync"

// Nth counts the operations on a share, and makes one of them fail. Its method Hook is a Hook.
type Nth struct {
	Fail int   // which one, from 1; 0: none
	Err  error // how: an error, or one in AnswerLost

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

// Done returns the operations so far, "op name" each; their number is how many there are to fail.
func (n *Nth) Done() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.done...)
}

var _ Hook = (*Nth)(nil).Hook
