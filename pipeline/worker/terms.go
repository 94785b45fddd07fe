package worker

import (
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/pipeline"
)

// agreement is what all nodes keep to, as a master has published it. It is immutable.
type agreement struct {
	lease.Terms
	attempts int       // failures of one chunk until it is set aside
	read     time.Time // zero: never
	job      string    // the job of the chunk that it was read for; "": without one
	made     bool      // by a master, and not by who made the share: only that one names a settle time
}

// agreementFor is how long an agreement is good for: a new master may have published another one.
const agreementFor = 5 * time.Minute

// agree reads the agreement, unless it has just been read for this job: the master that made the job had published
// its terms before. A worker may begin before there is any master.
func (w *Worker) agree(job string) error {
	if last := w.agreed.Load(); last.job == job && last.made && time.Since(last.read) < agreementFor {
		return nil
	}
	info, err := pipeline.LoadCluster(w.FS)
	if err != nil {
		return err
	}
	terms, err := info.Terms()
	if err != nil {
		return err
	}
	w.agreed.Store(&agreement{Terms: terms, attempts: info.Attempts, read: time.Now(), job: job, made: info.Settle != ""})
	return nil
}

// agreeIdle is for a worker that has no chunk for which it would read the agreement.
func (w *Worker) agreeIdle() {
	if w.running.count() > 0 {
		return
	}
	if err := w.agree(""); err != nil {
		w.Log.Debug("cannot read the terms", "error", err)
	}
}
