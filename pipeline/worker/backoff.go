package worker

import (
	"sync"
	"time"
)

// The waits of an idle worker are bounded by these, so that 200 of them cost the file server little.
const (
	maxIdleWait = 10 * time.Second // while there is nothing: a film can be read in that time
	maxSoonWait = time.Second      // while chunks are announced
)

// announcementFor is how long an announcement is counted on: a copy into the inbox can take a day.
const announcementFor = 2 * time.Minute

// backoff is how long a slot waits that has found nothing: a quarter longer each time. Safe for concurrent use.
type backoff struct {
	shortest time.Duration // never changes

	mu             sync.Mutex
	next           time.Duration
	longest        time.Duration
	more           bool      // are announced
	expecting      bool      // announced chunks can be counted on
	announcedSince time.Time // zero: none are announced
	emptyLooks     int       // in a row
}

func newBackoff(shortest time.Duration) *backoff {
	return &backoff{shortest: shortest, next: shortest, longest: maxIdleWait}
}

// found begins anew: there was something.
func (b *backoff) found() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next, b.emptyLooks = b.shortest, 0
}

// missed counts a look that found nothing, and returns how many there were in a row.
func (b *backoff) missed() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.emptyLooks++
	return b.emptyLooks
}

// announced takes in whether more chunks are announced now.
func (b *backoff) announced(more bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !more:
		b.announcedSince = time.Time{}
	case b.announcedSince.IsZero():
		b.announcedSince = now
	}
	b.more = more
	b.expecting, b.longest = more && now.Sub(b.announcedSince) < announcementFor, maxIdleWait
	if b.expecting {
		b.longest = maxSoonWait
	}
}

// moreToCome reports whether chunks are announced, however long ago.
func (b *backoff) moreToCome() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.more
}

// expects reports whether more chunks are about to come.
func (b *backoff) expects() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.expecting
}

// wait returns the next wait.
func (b *backoff) wait() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	most := max(b.shortest, b.longest)
	if b.expecting {
		most = b.longest
	}
	wait := min(b.next, most)
	b.next = wait * 5 / 4
	return wait
}
