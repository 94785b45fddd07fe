package sim

import (
	"sync"
	"time"
)

// gate holds up those who pass while it is shut.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // closed when it opens; nil while it is open
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		g.open = make(chan struct{})
	}
}

func (g *gate) reopen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open != nil {
		close(g.open)
		g.open = nil
	}
}

func (g *gate) is() (shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open != nil
}

// pass waits until the gate is open; false: given up, because dead was closed.
func (g *gate) pass(dead <-chan struct{}) bool { return g.passUntil(dead, time.Time{}) }

// passUntil is pass, that gives up at a time too unless it is zero.
func (g *gate) passUntil(dead <-chan struct{}, end time.Time) bool {
	var timeout <-chan time.Time
	for {
		g.mu.Lock()
		open := g.open
		g.mu.Unlock()
		select {
		case <-dead:
			return false
		default:
		}
		if open == nil {
			return true
		}
		if timeout == nil && !end.IsZero() {
			t := time.NewTimer(time.Until(end))
			defer t.Stop()
			timeout = t.C
		}
		select {
		case <-open:
		case <-dead:
			return false
		case <-timeout:
			return false
		}
	}
}
