package master

import (
	"time"
)

// patience counts for how long something has been seen without a break. Time in which nobody looked, a
// share's outage or this machine's suspend, does not count.
type patience struct {
	since, last time.Time
}

// seen notes that it is (still) so, and returns for how long it has been. gap is the longest usual time
// between two looks.
func (p *patience) seen(gap time.Duration) time.Duration {
	now := time.Now()
	if p.since.IsZero() || now.Sub(p.last) > gap {
		p.since = now
	}
	p.last = now
	return now.Sub(p.since)
}

// waitFor returns the patience with one thing, a new one at first.
func waitFor[K comparable](all *map[K]*patience, thing K) *patience {
	if *all == nil {
		*all = map[K]*patience{}
	}
	p := (*all)[thing]
	if p == nil {
		p = &patience{}
		(*all)[thing] = p
	}
	return p
}

// gap is the longest usual time between two looks of this master at one thing.
func (m *Master) gap() time.Duration { return 3*m.Poll + 2*errRest }
