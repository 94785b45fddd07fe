package lease

import (
	"fmt"
	"log/slog"
	"time"
)

// Terms are the times that all nodes of a share agree on.
type Terms struct {
	Heartbeat time.Duration // between two beats of a holder
	Expiry    time.Duration // of silence, after which a lease is over
}

// MinBeats is how many heartbeats an expiry lasts at least: a holder stops one and a half before the end (fence), and
// one lost beat must not cost a claim.
const MinBeats = 4

// suspectBeats is how many heartbeats without a sign of life are more than one that is late or lost.
const suspectBeats = 4

// Check returns an error if the expiry leaves no room for a beat that is late or lost.
func (t Terms) Check() error {
	if t.Heartbeat <= 0 || t.Expiry < MinBeats*t.Heartbeat {
		return fmt.Errorf("an expiry of %s is less than %d heartbeats of %s", t.Expiry, MinBeats, t.Heartbeat)
	}
	return nil
}

// SuspectAfter is the silence after which a holder is suspected to be gone: people are told so, and its work may be
// prepared for others. Nothing is taken from it before the expiry.
func (t Terms) SuspectAfter() time.Duration { return suspectBeats * t.Heartbeat }

// fence is how long after its last good beat a holder must have stopped: before anyone can have seen
// the lease silent for the whole expiry, with one beat and a half to spare.
func (t Terms) fence() time.Duration { return t.Expiry - t.Heartbeat*3/2 }

// hinted is the silence that a lock that came free, or a process that is gone, can shorten the expiry to,
// and never below: so that even a wrong hint takes nothing from a holder that beats.
func (t Terms) hinted() time.Duration { return min(3*t.Heartbeat, t.Expiry) }

// Option changes what a lease, an observer or an election works with.
type Option func(*options)

type options struct {
	locker    Locker
	boottime  func() time.Duration
	log       *slog.Logger
	contact   *Contact
	probes    func(name string) bool
	processes Processes
}

// WithLocker replaces flock(2); nil means that there are no locks.
func WithLocker(l Locker) Option { return func(o *options) { o.locker = l } }

// WithBoottime replaces CLOCK_BOOTTIME, which the holder's fence goes by, for tests and simulations.
func WithBoottime(now func() time.Duration) Option { return func(o *options) { o.boottime = now } }

// WithLog sets the log for failing beats, pauses and changes of the leader. The default is none.
func WithLog(log *slog.Logger) Option { return func(o *options) { o.log = log } }

// WithProbes lets an observer probe the locks of those leases, by stem, for which may returns true; an
// election asks with the leader's node. The default is none. A lock whose holder is on the observer's
// own host must never be probed: on SMB a refused lock drops the one that the same client holds.
func WithProbes(may func(name string) bool) Option { return func(o *options) { o.probes = may } }

// Processes names processes and finds out which are gone.
type Processes interface {
	// Self names this process as no other on any machine was or will be named, without a space; "" where that
	// can't be found out.
	Self() string
	// Gone reports that a process of that name ran on this machine and is no more. It is false where there is any
	// doubt, and for a name that nobody gave: names are read from the share.
	Gone(name string) bool
}

// WithProcesses replaces what the kernel knows of its processes, for tests and simulations.
func WithProcesses(p Processes) Option { return func(o *options) { o.processes = p } }

func newOptions(locker Locker, opts []Option) options {
	o := options{
		locker: locker, boottime: boottime, log: slog.New(slog.DiscardHandler), processes: kernel{},
		probes: func(string) bool { return false },
	}
	for _, set := range opts {
		set(&o)
	}
	if o.contact == nil {
		o.contact = NewContact(o.log)
	}
	return o
}
