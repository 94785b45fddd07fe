package lease

import (
	"context"
	"errors"
	"time"
)

// ErrLost is the error for a claim that is no longer there: somebody else has it, and the work on it is in vain.
var ErrLost = errors.New("the claim is gone")

// Guard is how Keep looks at the work that a lease stands for and stops it. All four must be set.
type Guard struct {
	// Alive reports whether the work goes on. While it does not, no beat is written, so that the lease
	// expires. Work that was paused counts as alive. It may read from the share.
	Alive func() bool
	// Owned lists the claim afresh; false without an error means that the listing was without it.
	Owned func(ctx context.Context) (bool, error)
	// Pause and Resume stop the work and let it go on. They must not touch the share.
	Pause, Resume func()
}

// ownedEvery is how many beats pass between two looks at the claim.
const ownedEvery = 3

// ticksPerBeat is how finely the fence is watched: a quarter of a heartbeat is within what it spares.
const ticksPerBeat = 4

// Keep writes a beat every heartbeat until ctx ends (nil) or the claim was found gone (ErrLost). Without
// a good beat for the expiry less 1.5 heartbeats it pauses the work, and lets it go on after a good beat
// once the claim was seen to be there. Work that was paused is still paused when Keep returns.
//
// The loop that watches the time never touches the share, which can hang; one call at a time is made
// beside it.
func (l *Lease) Keep(ctx context.Context, terms Terms, g Guard) error {
	k := keeper{Lease: l, terms: terms, guard: g, steps: make(chan step, 1)}
	tick := time.NewTicker(terms.Heartbeat / ticksPerBeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			k.wait()
			return nil
		case <-tick.C:
			k.watch()
			k.start(ctx)
		case s := <-k.steps:
			if k.finish(s); s.lost {
				return ErrLost
			}
		}
	}
}

// keeper is the state of one Keep.
type keeper struct {
	*Lease
	terms  Terms
	guard  Guard
	steps  chan step
	busy   bool // a step is under way
	ticks  int  // since the last step began
	count  int  // steps begun
	paused bool
	failed bool // the last beat
	away   bool // the share was, by this lease's beats
}

// step is one beat and perhaps a look at the claim, and what came of it.
type step struct {
	look     bool          // wanted: a look at the claim
	began    time.Duration // by boottime
	withheld bool          // no beat was due: the work does not go on
	err      error         // of the beat
	lookErr  error         // of the look at the claim
	owned    bool          // seen to be ours
	lost     bool          // seen to be gone
}

func (k *keeper) watch() {
	if silent := k.boottime() - k.good; !k.paused && silent >= k.terms.fence() {
		k.paused = true
		k.ticks = ticksPerBeat // look at once whether the share answers
		k.log.Debug("work is paused: no heartbeat could be written", "lease", k.beats, "for", silent)
		k.guard.Pause()
	}
}

func (k *keeper) start(ctx context.Context) {
	k.ticks++
	if k.busy || k.ticks < ticksPerBeat {
		return
	}
	k.busy, k.ticks = true, 0
	k.count++
	s := step{look: k.paused || k.failed || k.count%ownedEvery == 0}
	go func() { k.steps <- k.step(ctx, s) }()
}

// step runs beside the loop, one at a time, and is alone in touching the share and l.seq.
func (k *keeper) step(ctx context.Context, s step) step {
	s.began = k.boottime()
	if s.withheld = !k.guard.Alive(); !s.withheld {
		s.err = k.beat()
	}
	if s.look || s.err != nil {
		owned, err := k.guard.Owned(ctx)
		s.owned, s.lost, s.lookErr = owned && err == nil, !owned && err == nil, err
	}
	return s
}

func (k *keeper) finish(s step) {
	k.busy = false
	switch {
	case s.err != nil && s.lookErr != nil:
		k.away = true
		k.contact.Lost(s.err)
	case s.err != nil && !k.failed:
		k.log.Warn("a heartbeat could not be written", "lease", k.beats, "error", s.err)
	case s.err == nil && k.failed:
		k.log.Debug("heartbeats are written again", "lease", k.beats)
	}
	if k.away && s.err == nil && !s.withheld { // a beat that was withheld says nothing of the share
		k.away = false
		k.contact.Back()
	}
	k.failed = s.err != nil
	if k.failed {
		return
	}
	k.good = s.began // a beat that is withheld is no failure of the share: the fence is not for it
	if k.paused && s.owned && !s.withheld {
		k.paused = false
		k.log.Debug("work goes on", "lease", k.beats)
		k.guard.Resume()
	}
}

// wait lets a step that is under way end, so that it does not write to what Release removes.
func (k *keeper) wait() {
	if !k.busy {
		return
	}
	t := time.NewTimer(callWait)
	defer t.Stop()
	select {
	case <-k.steps:
	case <-t.C:
	}
}
