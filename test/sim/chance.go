package sim

import "time"

// dice are what the seed has for one key. They can be thrown for many purposes, and no throw changes another.
type dice uint64

// dice returns those for a key, which may come in parts.
func (w *world) dice(key ...string) dice {
	d := dice(14695981039346656037) ^ dice(w.seed*0x9e3779b97f4a7c15)
	for _, part := range key {
		d = d.of(part)
	}
	return d
}

// of returns the dice for a part of the key (FNV-1a).
func (d dice) of(part string) dice {
	for i := range len(part) {
		d = (d ^ dice(part[i])) * 1099511628211
	}
	return d
}

// throw gives the number (splitmix64's finish).
func (d dice) throw(what string) uint64 {
	h := uint64(d.of(what))
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// chance is true once in n; never for n = 0.
func (d dice) chance(what string, n int) bool { return n > 0 && d.throw(what)%uint64(n) == 0 }

func (d dice) pick(what string, n int) int { return int(d.throw(what) % uint64(n)) }

func (d dice) span(what string, from, to time.Duration) time.Duration {
	return from + time.Duration(d.throw(what)%uint64(to-from+1))
}

func (w *world) chance(key string, n int) bool { return w.dice(key).chance("", n) }

func (w *world) pick(key string, n int) int { return w.dice(key).pick("", n) }

func (w *world) span(key string, from, to time.Duration) time.Duration {
	return w.dice(key).span("", from, to)
}
