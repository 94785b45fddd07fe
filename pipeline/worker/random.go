package worker

import (
	crand "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
)

// random draws from crypto/rand, the one source that a test can seed (testing/cryptotest). It has no state
// of its own and is safe for concurrent use.
var random = rand.New(source{})

type source struct{}

// Uint64 implements rand.Source.
func (source) Uint64() uint64 {
	var b [8]byte
	_, _ = crand.Read(b[:]) // never fails
	return binary.NativeEndian.Uint64(b[:])
}

func shuffled[T any](all []T) []T {
	random.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	return all
}
