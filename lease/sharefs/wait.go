package sharefs

import (
	"context"
	"crypto/rand"
	"time"
)

// Jitter spreads a wait over 75 to 125%, so that nodes that failed or started together do not ask together again. It
// draws from crypto/rand, the one source that a test can seed (testing/cryptotest).
func Jitter(d time.Duration) time.Duration {
	var b [1]byte
	_, _ = rand.Read(b[:]) // never fails
	return d*3/4 + d/2*time.Duration(b[0])/255
}

// Sleep waits for d, or until ctx ends, which is its error.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
