// Package master is the daemon that turns files in the inbox into jobs and jobs into outputs. It decides when a
// stage runs and what follows from it: take in, plan, split, expire, accept, merge, decide, publish, sweep.
//
// All it knows is on the share. It may die between any two steps, and two of them may work at once:
// every step is a move, a link or a file that one alone can create, so the next master, or the other
// one, goes on from what is there. docs/protocol.md numbers the steps T1 to T13; step.go has them in order.
//
// A Master never changes once it runs, and its methods may be called beside the main loop. What a leader knows is
// in a term, which belongs to the main loop alone. A background task gets a copy of what it needs (jobTask) and
// returns one value, which the loop applies.
package master

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// Options is what a master needs. All fields but Worker, Hooks, Lease, UntilIdle, Trusted, Wake and
// Today must be set.
type Options struct {
	FS   *sharefs.FS
	Node string
	// Worker is the node of a worker in the same process, "" without one: its results are only looked at quickly, since
	// this machine would judge itself.
	Worker   string
	Log      *slog.Logger
	Terms    lease.Terms
	Attempts int
	// Pace is asked before each look at the share: its settings can change.
	Pace func() Pace
	// Resolve says how a film of that folder is to be encoded. The sidecar's name is for errors; a film without one has
	// an empty text.
	Resolve func(folder, sidecar string, text []byte) (Order, error)
	Stages  Stages
	Hooks
	// Lease changes how leases are watched, in tests and simulations.
	Lease []lease.Option
	// UntilIdle ends Run when the inbox is empty and no job can go on.
	UntilIdle bool
	// Trusted takes hard-linked files, and any name for a film: for a private share that nobody else can drop files on.
	Trusted bool
	// Wake ends a wait between two looks early. If nil, nothing does but a task that has ended.
	Wake <-chan struct{}
	// Today tells which days are over, for the history; if nil, the time of now does.
	Today func() time.Time
}

// Pace is how soon a master does what can wait.
type Pace struct {
	Settle time.Duration // a file that stood still this long is complete
	Poll   time.Duration // the time between two looks at the share
	// Together is how long a look waits for what comes in bursts. If 0, it is a tenth of Poll, and 50 ms at least.
	Together time.Duration
}

// Hooks are called by a master. None may block; each may be nil.
type Hooks struct {
	// Status gets in one line what the master does, for the service manager, in each round.
	Status func(line string)
	// Full returns why the disk has no room for a new file or piece, "" while it has, in each round.
	Full func() string
	// Receivers returns who wants to be told of events of a kind, each by a word in lower case; nil: nobody.
	Receivers func(pipeline.EventKind) []string
	// Tell is given each event for each receiver, until that has called Told: at least once, also what an earlier
	// leader had not told. It may be given one for a receiver that is not there any more, and leaves that alone.
	Tell func(*pipeline.Untold)
	// Took gets how long a task of a stage took, and each encode whose result was accepted.
	Took func(stage string, d time.Duration)
}

// ErrJobFailed is what Run returns with UntilIdle when it is done but a job failed or was rejected.
var ErrJobFailed = errors.New("a job failed")

// Master is one daemon's life as a master.
type Master struct {
	Options
	contact *lease.Contact
}

// New returns a master that is not yet running.
func New(o Options) *Master {
	if o.Status == nil {
		o.Status = func(string) {}
	}
	if o.Full == nil {
		o.Full = func() string { return "" }
	}
	if o.Took == nil {
		o.Took = func(string, time.Duration) {}
	}
	if o.Today == nil {
		o.Today = time.Now
	}
	return &Master{Options: o, contact: lease.NewContact(o.Log)}
}

// Run leads whenever this node is elected, until ctx ends (nil), or with UntilIdle until all is done.
func (m *Master) Run(ctx context.Context) error {
	own := []lease.Option{lease.WithLog(m.Log), lease.WithContact(m.contact), lease.WithProbes(m.elsewhere)}
	m.Lease = append(own, m.Lease...)
	election := lease.NewElection(m.FS, pipeline.MasterDir, m.Node, pipeline.StandbyFile(m.Node), m.Terms, m.Lease...)
	defer election.Close()
	failed := 0 // in all terms
	for ctx.Err() == nil {
		m.Status("standing by")
		leading, err := election.Lead(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, fs.ErrNotExist):
			m.refurnish(err)
			_ = sharefs.Sleep(ctx, m.Terms.Heartbeat)
			continue
		case err != nil:
			return err
		}
		m.Log.Info("leading", "node", m.Node)
		t := newTerm(leading, m)
		t.failed += failed
		done, err := t.lead(leading)
		if done || err != nil {
			return err
		}
		failed = t.failed
		if ctx.Err() == nil {
			m.deposed(context.Cause(leading))
		}
	}
	return nil
}

// deposed tells that the lead was lost. Where the share is away that was told, and explains it.
func (m *Master) deposed(cause error) {
	level := slog.LevelWarn
	if errors.Is(cause, lease.ErrSilent) && m.contact.Away() {
		level = slog.LevelDebug
	}
	m.Log.Log(context.Background(), level, "this node does not lead any more", "reason", cause)
}

// elsewhere reports whether a lock, named by a claim's stem or a master's node, is held on another host.
func (m *Master) elsewhere(name string) bool {
	if c, ok := pipeline.ParseStem(name); ok {
		name = c.Node
	}
	return pipeline.NodeHost(name) != pipeline.NodeHost(m.Node)
}

// agree publishes what all nodes must agree on.
func (m *Master) agree(settle time.Duration) error {
	info, err := pipeline.LoadCluster(m.FS)
	if err != nil {
		return err
	}
	want := *info
	want.Heartbeat, want.Expiry, want.Attempts = m.Terms.Heartbeat.String(), m.Terms.Expiry.String(), m.Attempts
	want.Settle = settle.String()
	if want == *info {
		return nil
	}
	return want.Write(m.FS)
}

// refurnish makes folders again where an error shows that one is missing.
func (m *Master) refurnish(missing error) {
	if !errors.Is(missing, fs.ErrNotExist) {
		return
	}
	if err := m.furnish(); err != nil {
		m.contact.Lost(fmt.Errorf("cannot make the share's folders again: %w", err))
	}
}

// furnish makes a folder again that a person has removed. The marker tells the share from an empty mount
// point, which is never written to.
func (m *Master) furnish() error {
	if _, err := pipeline.LoadCluster(m.FS); err != nil {
		return err
	}
	for _, folder := range pipeline.Folders() {
		if err := m.FS.MkdirAll(folder); err != nil {
			return err
		}
	}
	return nil
}
