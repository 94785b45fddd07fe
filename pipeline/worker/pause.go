package worker

import (
	"sync"
	"time"
)

// pause is why nothing is claimed. The zero value lets claim. Safe for concurrent use.
type pause struct {
	mu     sync.Mutex
	until  time.Time
	reason string // until then
	rest   string // what Machine.Rest said last
}

// extend lets the pause last until a time. One that lasts longer anyway stays as it is, with its reason.
func (p *pause) extend(until time.Time, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.until) {
		p.until, p.reason = until, reason
	}
}

// setRest notes what Machine.Rest says, and returns what it said before.
func (p *pause) setRest(reason string) (before string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.rest = p.rest, reason
	return before
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

// words returns why nothing is claimed, for people; "" if chunks may be claimed.
func (p *pause) words(now time.Time) string {
	p.mu.Lock()
	rest := p.rest
	p.mu.Unlock()
	if rest != "" {
		return rest
	}
	reason, until := p.at(now)
	if reason == "" {
		return ""
	}
	return reason + "; claims again at " + until.Format("15:04:05")
}
