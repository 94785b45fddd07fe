package control

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func from(n int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 32)
}

// try tells how many of so many wrong tokens from an address are looked at.
func try(g *guesses, at netip.Prefix, times int) (looked int) {
	for range times {
		if g.may(at) {
			g.wrong(at)
			looked++
		}
	}
	return looked
}

func TestWrongTokensAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuesses()
		require.Equal(t, burstEach, try(g, from(1), 100_000))
		require.False(t, g.may(from(1)))
		require.True(t, g.may(from(2)), "others are let alone")
		time.Sleep(time.Second)
		require.True(t, g.may(from(1)), "a second after the last one the right token is taken again")
	})
}

func TestWrongTokensFromEverywhereAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuesses()
		g.right(from(7))
		looked := 0
		for n := range 100_000 {
			looked += try(g, from(1000+n), 1)
		}
		require.Equal(t, burstAll, looked)
		require.LessOrEqual(t, len(g.each), maxAddresses)
		require.True(t, g.may(from(7)), "who had a right token is let alone")
		require.False(t, g.may(from(8)))
		time.Sleep(time.Second)
		require.True(t, g.may(from(8)))
	})
}

func TestTheAddressesThatAreRememberedAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuesses()
		for n := range 3 * maxAddresses {
			g.wrong(from(n))
			g.right(from(n))
		}
		require.LessOrEqual(t, len(g.each), maxAddresses)
		require.LessOrEqual(t, len(g.proven), maxAddresses)
	})
}

func TestWhereARequestComesFrom(t *testing.T) {
	for _, c := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:5", "", "192.0.2.1/32"},
		{"192.0.2.1:5", "198.51.100.7", "192.0.2.1/32"}, // it may say what it likes
		{"127.0.0.1:5", "198.51.100.7", "198.51.100.7/32"},
		{"[::1]:5", "203.0.113.9, 198.51.100.7", "198.51.100.7/32"}, // what the proxy has added
		{"127.0.0.1:5", "nonsense", "127.0.0.1/32"},
		{"[2001:db8::1]:5", "", "2001:db8::/64"},
		{"[::ffff:192.0.2.1]:5", "", "192.0.2.1/32"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		require.Equal(t, c.want, addressOf(r).String(), c)
	}
}
