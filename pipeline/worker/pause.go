package worker

import (
	"sync"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// pause is why nothing is claimed. The zero value lets claim. Safe for concurrent use.
type pause struct {
	mu     sync.Mutex
	until  time.Time
	reason string         // until then
	rest   string         // what Machine.Rest said last
	asked  *pipeline.Rest // what people asked of this machine, nil: nothing
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

// setAsked notes what people ask of this machine, and returns what they asked before.
func (p *pause) setAsked(asked *pipeline.Rest) (before *pipeline.Rest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.asked = p.asked, asked
	return before
}

// lastAsked returns what people were last seen to ask.
func (p *pause) lastAsked() *pipeline.Rest {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
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
	rest, asked := p.rest, p.asked
	p.mu.Unlock()
	if asked != nil {
		return asked.Words(now)
	}
	if rest != "" {
		return rest
	}
	reason, until := p.at(now)
	if reason == "" {
		return ""
	}
	return reason + "; claims again at " + until.Format("15:04:05")
}
