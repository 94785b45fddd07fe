package control

import (
	"net/netip"
	"sync"
)

// places are what may be open at once. Any number of goroutines may use them.
type places struct {
	most, each int // in all, and from one address

	mu   sync.Mutex
	all  int
	from map[netip.Prefix]int
}

func newPlaces(most, each int) *places {
	return &places{most: most, each: each, from: map[netip.Prefix]int{}}
}

// enter takes a place, which leave gives back; false if there is none for that address.
func (p *places) enter(from netip.Prefix) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all >= p.most || p.from[from] >= p.each {
		return false
	}
	p.all++
	p.from[from]++
	return true
}

func (p *places) leave(from netip.Prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all--
	if p.from[from]--; p.from[from] == 0 {
		delete(p.from, from)
	}
}
