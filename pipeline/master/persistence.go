package master

import "time"

// persistence measures for how long something has been seen without a break. Time in which nobody looked, a
// share's outage or this machine's suspend, does not count.
type persistence struct {
	since, last time.Time
}

// seen notes that it is (still) so, and returns for how long it has been. gap is the longest usual time
// between two looks.
func (p *persistence) seen(gap time.Duration) time.Duration {
	now := time.Now()
	if p.since.IsZero() || now.Sub(p.last) > gap {
		p.since = now
	}
	p.last = now
	return now.Sub(p.since)
}

// persistences are those of many things. The zero value is ready for use.
type persistences[K comparable] map[K]*persistence

// of returns the persistence of one thing, a new one at first.
func (all *persistences[K]) of(thing K) *persistence {
	if *all == nil {
		*all = persistences[K]{}
	}
	p := (*all)[thing]
	if p == nil {
		p = &persistence{}
		(*all)[thing] = p
	}
	return p
}
