package worker

import (
	"sync"
	"time"
)

// pause is a time in which nothing is claimed, and why. The zero value is over. Safe for concurrent use.
type pause struct {
	mu     sync.Mutex
	until  time.Time
	reason string
}

// extend lets the pause last until a time. One that lasts longer anyway stays as it is, with its reason.
func (p *pause) extend(until time.Time, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.until) {
		p.until, p.reason = until, reason
	}
}

// at returns the reason at a time, "" if the pause is over, and when it will be.
func (p *pause) at(now time.Time) (reason string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !now.Before(p.until) {
		return "", p.until
	}
	return p.reason, p.until
}
