package lease

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
)

// Observer finds out which leases are over. One goroutine calls its methods; a new observer starts
// counting at zero.
type Observer struct {
	share   *sharefs.FS
	dir     string
	probe   string
	terms   Terms
	claims  *silence // of leases with a claim
	orphans *silence // of leases without
	locks   *prober
}

// NewObserver returns an observer of the leases in dir. Before each scan it writes the file probe, which
// is its own and removed by Close.
func NewObserver(share *sharefs.FS, dir, probe string, terms Terms, opts ...Option) *Observer {
	return &Observer{
		share: share, dir: dir, probe: probe, terms: terms,
		claims:  newSilence(share, dir, probe, terms),
		orphans: newSilence(share, dir, probe, terms),
		locks:   newProber(newOptions(Flock(share), opts), terms),
	}
}

// Scan takes one look at the leases of the claims that are there now, given by stem, and returns those
// that are over: silent for the expiry while they were watched, or for less where the holder is known to be
// gone. A claim without lease files is a silent
// one. Silence adds up from scan to scan, so all claims are named each time; the scans may come at any
// usual interval, but one that comes much later than usual adds nothing. What is returned holds with an
// error too, which names what could not be read.
func (o *Observer) Scan(ctx context.Context, stems []string) (expired []string, err error) {
	bad, err := o.claims.observe(ctx, stems)
	if bad {
		return nil, err
	}
	o.locks.forget(stems)
	for _, stem := range stems {
		p := o.claims.pulses[stem]
		freed := o.locks.freed(stem, path.Join(o.dir, stem+lockSuffix), p)
		gone := o.locks.gone(p)
		if p.silent >= o.terms.Expiry || freed && p.silent >= o.terms.hinted() || gone {
			o.locks.log.Debug("a lease is over", "lease", stem, "silent", p.silent, "lock_freed", freed, "process_gone", gone)
			expired = append(expired, stem)
		}
	}
	return expired, err
}

// Suspects returns the claims of the last scan, sorted, whose holders are suspected to be gone (Terms.SuspectAfter).
// Most of them will expire: whoever can prepare for that without taking anything from a holder may begin to. There are
// none where the suspicion comes in the second half of the expiry, too late to gain anything.
func (o *Observer) Suspects() (stems []string) {
	after := o.terms.SuspectAfter()
	for stem, p := range o.claims.pulses {
		if p.silent >= after && after < o.terms.Expiry/2 {
			stems = append(stems, stem)
		}
	}
	slices.Sort(stems)
	return stems
}

// Sweep takes one look at the leases in the directory that keep does not want, because their claim is
// gone, and removes those that are silent for the expiry. It returns their stems. Silence adds up from
// call to call, as with Scan.
func (o *Observer) Sweep(ctx context.Context, keep func(stem string) bool) (swept []string, err error) {
	names, err := o.share.List(o.dir)
	if err != nil {
		return nil, err
	}
	bad, err := o.orphans.observe(ctx, orphaned(names, keep))
	if bad {
		return nil, err
	}
	for _, stem := range slices.Sorted(maps.Keys(o.orphans.pulses)) {
		if o.orphans.pulses[stem].silent < o.terms.Expiry {
			continue
		}
		base := path.Join(o.dir, stem)
		removeErr := errors.Join(o.share.Remove(base+beatSuffix), o.share.Remove(base+lockSuffix))
		if err = errors.Join(err, removeErr); removeErr == nil {
			swept = append(swept, stem)
		}
	}
	return swept, err
}

// orphaned returns the stems of lease files that keep does not want.
func orphaned(names []string, keep func(stem string) bool) []string {
	stems := map[string]bool{}
	for _, name := range names {
		stem, beat := strings.CutSuffix(name, beatSuffix)
		stem, lock := strings.CutSuffix(stem, lockSuffix)
		if (beat || lock) && !stems[stem] && !keep(stem) {
			stems[stem] = true
		}
	}
	return slices.Sorted(maps.Keys(stems))
}

// Close removes the observer's probe file.
func (o *Observer) Close() error { return o.share.Remove(o.probe) }
