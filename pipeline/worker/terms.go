package worker

import (
	"sync"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// agreement is what all nodes keep to, as the master has published it. The zero value was never read. Safe for
// concurrent use.
type agreement struct {
	mu       sync.Mutex
	read     time.Time // when it was read last
	job      string    // the job of the chunk that it was read for
	terms    lease.Terms
	attempts int // failures of one chunk until it is set aside
}

// agreementFor is how long an agreement is good for: a new master may have published another one.
const agreementFor = time.Minute

// refresh reads the agreement, unless it has just been read for this job: the master that made the job had published
// its terms before.
func (a *agreement) refresh(share *sharefs.FS, job string) error {
	a.mu.Lock()
	recent := a.job == job && !a.read.IsZero() && time.Since(a.read) < agreementFor
	a.mu.Unlock()
	if recent {
		return nil
	}
	info, err := pipeline.LoadCluster(share)
	if err != nil {
		return err
	}
	terms, err := info.Terms()
	if err != nil {
		return err
	}
	a.set(job, terms, info.Attempts)
	return nil
}

func (a *agreement) set(job string, terms lease.Terms, attempts int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.read, a.job, a.terms, a.attempts = time.Now(), job, terms, attempts
}

// leaseTerms returns the terms in force.
func (a *agreement) leaseTerms() lease.Terms {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.terms
}

// maxAttempts returns how many failures of one chunk set it aside.
func (a *agreement) maxAttempts() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.attempts
}
