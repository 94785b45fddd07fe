package lease

import (
	"sync"
	"time"
)

// prober tries the locks of silent leases. Every try runs on a goroutine of its own, since TryLock can
// block for long, and there is never more than one for a lock; what it found counts at the next scan.
type prober struct {
	options
	terms Terms
	mu    sync.Mutex // guards what the goroutines write
	locks map[string]*lockState
}

// lockState is what this observer learned of one lock by trying it.
type lockState struct {
	busy    bool // a try is under way
	tried   bool
	refused bool // somebody had the lock
	free    bool // we got it, after it had been refused
	moves   int  // of the pulse when that try began: a holder that beat since is alive
}

func newProber(o options, terms Terms) *prober {
	return &prober{options: o, terms: terms, locks: map[string]*lockState{}}
}

// forget drops the locks that are not named.
func (p *prober) forget(keep []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wanted := make(map[string]bool, len(keep))
	for _, name := range keep {
		wanted[name] = true
	}
	for name, l := range p.locks {
		if !wanted[name] && !l.busy { // with a try under way it stays, so that there is no second one
			delete(p.locks, name)
		}
	}
}

// freed reports whether the lock was refused to us before, and was got since the pulse last moved. It begins
// a try where its answer means something: once while the holder lives, to be refused; then from two
// heartbeats of silence on, if we were.
func (p *prober) freed(name, lock string, pulse *pulse) bool {
	if p.locker == nil || !p.probes(name) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.locks[name]
	if l == nil {
		l = &lockState{}
		p.locks[name] = l
	}
	l.free = l.free && l.moves == pulse.moves
	if !l.busy && !l.free && (!l.tried || l.refused && pulse.silent >= 2*p.terms.Heartbeat) {
		l.busy, l.tried, l.moves = true, true, pulse.moves
		go p.try(l, lock)
	}
	return l.free
}

// try locks and unlocks at once. An answer that took longer than a heartbeat is about another time, and
// says nothing.
func (p *prober) try(l *lockState, lock string) {
	began := time.Now()
	unlock, err := p.locker.TryLock(lock)
	if err == nil {
		err = unlock()
	}
	late := time.Since(began) > p.terms.Heartbeat
	p.mu.Lock()
	defer p.mu.Unlock()
	l.busy = false
	if late {
		return
	}
	l.free = err == nil && l.refused
	l.refused = l.refused || refused(err)
}

// gone reports whether the holder's process ran on this machine and is no more, and nobody else beats in its
// name: a virtual machine that was copied while it ran has a twin with the same processes.
func (p *prober) gone(of *pulse) bool {
	return of.silent >= p.terms.hinted() && p.processes.Gone(holderOf(of.text))
}
