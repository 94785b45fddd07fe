package sim

import "time"

// hash gives the number that the seed has for a key (FNV-1a, then splitmix64's finish).
func (w *world) hash(key string) uint64 {
	h := uint64(14695981039346656037) ^ w.seed*0x9e3779b97f4a7c15
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// chance is true once in n; never for n = 0.
func (w *world) chance(key string, n int) bool { return n > 0 && w.hash(key)%uint64(n) == 0 }

func (w *world) pick(key string, n int) int { return int(w.hash(key) % uint64(n)) }

func (w *world) span(key string, from, to time.Duration) time.Duration {
	return from + time.Duration(w.hash(key)%uint64(to-from+1))
}
