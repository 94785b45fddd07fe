package control

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/time/rate"
)

// How many wrong tokens are looked at. What is beyond is refused unread, the right token as well: from an address that
// sends too many for about a second after the last of them, from one that never had a right one while the whole
// network sends too many.
const (
	guessesEach  = 1 // wrong tokens a second from one address, in the long run
	burstEach    = 20
	guessesAll   = 50 // from all addresses together
	burstAll     = 500
	maxAddresses = 4096 // that are remembered
)

// guesses bounds how many wrong tokens are tried.
type guesses struct {
	mu     sync.Mutex
	all    *rate.Limiter
	each   map[netip.Prefix]*rate.Limiter
	proven map[netip.Prefix]bool // a right token came from there
}

func newGuesses() *guesses {
	return &guesses{all: rate.NewLimiter(guessesAll, burstAll), each: map[netip.Prefix]*rate.Limiter{},
		proven: map[netip.Prefix]bool{}}
}

// may reports whether a token from that address is looked at.
func (g *guesses) may(from netip.Prefix) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.each[from]; l != nil && l.Tokens() < 1 {
		return false
	}
	return g.proven[from] || g.all.Tokens() >= 1
}

// wrong counts a wrong token.
func (g *guesses) wrong(from netip.Prefix) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all.Allow()
	l := g.each[from]
	if l == nil {
		if len(g.each) >= maxAddresses {
			g.forget()
		}
		l = rate.NewLimiter(guessesEach, burstEach)
		g.each[from] = l
	}
	l.Allow()
}

// right notes that a right token came from there.
func (g *guesses) right(from netip.Prefix) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.proven) >= maxAddresses {
		clear(g.proven)
	}
	g.proven[from] = true
}

// forget drops the addresses that have been quiet, or all where none has: the limit for all of them still holds.
func (g *guesses) forget() {
	for from, l := range g.each {
		if l.Tokens() >= burstEach {
			delete(g.each, from)
		}
	}
	if len(g.each) >= maxAddresses {
		clear(g.each)
	}
}

// addressOf is where a request comes from: of IPv6 the network, in which one machine has all addresses. A proxy on this
// machine adds whom it speaks for at the end of X-Forwarded-For.
func addressOf(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	a, _ := netip.ParseAddr(host) // net/http writes it; else all of those are one
	if hops := r.Header.Values("X-Forwarded-For"); a.IsLoopback() && len(hops) > 0 {
		last := hops[len(hops)-1]
		if b, err := netip.ParseAddr(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])); err == nil {
			a = b
		}
	}
	bits := 64
	if a = a.Unmap(); a.Is4() {
		bits = 32
	}
	p, _ := a.WithZone("").Prefix(bits) // fails for no address, which is one too
	return p
}
