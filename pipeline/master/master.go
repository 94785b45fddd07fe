// Package master is the daemon that turns files in the inbox into jobs and jobs into outputs. It joins
// the stages: take in, plan, split, expire, accept, merge, decide, publish, sweep.
//
// All it knows is on the share. It may die between any two steps, and two of them may work at once:
// every step is a move, a link or a file that one alone can create, so the next master, or the other
// one, goes on from what is there. docs/protocol.md numbers the steps T1 to T13.
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
	"github.com/distenc/distenc/watcher"
)

// Options is what a master needs. All fields but Wake, Status and Trusted must be set.
type Options struct {
	FS       *sharefs.FS
	Node     string
	Terms    lease.Terms
	Attempts int
	Settle   time.Duration // a file that stood still this long is complete
	Poll     time.Duration // the time between two looks at the share
	// Times gives Settle and Poll anew before each look, for settings that can change. It may be nil.
	Times   func() (settle, poll time.Duration)
	Resolve func(folder string, sidecar []byte) (Order, error)
	Stages  Stages
	Log     *slog.Logger
	// Lease changes how leases are watched, in tests and simulations.
	Lease []lease.Option
	// Wake ends a wait between two looks early. It may be nil.
	Wake <-chan struct{}
	// Status is told in one line what the master does, for the service manager. It may be nil.
	Status func(line string)
	// UntilIdle ends Run when the inbox is empty and no job can go on.
	UntilIdle bool
	// Full says why the disk has no room for a new file or piece, "" while it has. It may be nil.
	Full func() string
	// Ended is told of every job that has ended, once, and of every file that became none; also of a job that
	// waits for a person because a chunk was set aside. It must not block, and may be nil.
	Ended func(pipeline.JobStatus)
	// Took is told how long a step of a stage took: of those of the tasks' names, and of encode. It may be nil.
	Took func(stage string, d time.Duration)
	// Trusted takes hard-linked files, and any name for a film: for a private share that nobody else can drop files on.
	Trusted bool
}

// ErrJobFailed is what Run returns with UntilIdle when it is done but a job failed or was rejected.
var ErrJobFailed = errors.New("a job failed")

// Master is one daemon's life as a master. Its fields belong to the goroutine in reign.
type Master struct {
	Options
	contact  *lease.Contact
	watch    *watcher.Watcher
	observer *lease.Observer
	tasks    *tasks
	jobs     map[string]*job      // live ones
	closed   map[string]bool      // nothing is left to do for these, as far as this master has seen
	recent   []string             // the last of them
	taking   map[string]bool      // being made by this master's intake
	films    *films               // what companions in the inbox may go with
	known    *index               // what was encoded or is in work
	dropped  map[string]*dropped  // files in the inbox by name
	left     []pipeline.LeftAlone // what was last told of those that can't be taken
	present  map[string]bool      // has a folder under jobs/
	empty    map[string]*patience // with folders under jobs/ without a job
	late     map[string]*lateJob  // ended without their source: it may still land in their folders
	told     map[string]bool      // what was logged once
	orphans  map[string]*patience // with chunk folders whose job has no folder
	dead     map[string]*still    // files that living daemons rewrite
	lastDead time.Time
	watched  time.Time     // when the heartbeats were last looked at
	pending  int           // free chunks of all jobs at the last look
	waiting  int           // files in the inbox at the last look
	nextLook time.Duration // the longest wait until the next look
	full     string        // why there is no room on the disk
	failed   int
}

// New returns a master that is not yet running.
func New(o Options) *Master {
	return &Master{Options: o, films: newFilms(), contact: lease.NewContact(o.Log)}
}

// Run leads whenever this node is elected, until ctx ends (nil), or with UntilIdle until all is done.
func (m *Master) Run(ctx context.Context) error {
	m.Lease = append([]lease.Option{lease.WithLog(m.Log), lease.WithContact(m.contact), lease.WithProbes(m.elsewhere)}, m.Lease...)
	election := lease.NewElection(m.FS, pipeline.MasterDir, m.Node, pipeline.ProbeDir+"/"+m.Node+".standby", m.Terms, m.Lease...)
	defer election.Close()
	for ctx.Err() == nil {
		m.status("standing by")
		term, err := election.Lead(ctx)
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
		done, err := m.reign(term)
		if done || err != nil {
			return err
		}
	}
	return nil
}

// elsewhere tells whether a lock, named by a claim's stem or a master's node, is held on another host.
func (m *Master) elsewhere(name string) bool {
	if c, ok := pipeline.ParseStem(name); ok {
		name = c.Node
	}
	return pipeline.NodeHost(name) != pipeline.NodeHost(m.Node)
}

// agree publishes what all nodes must agree on.
func (m *Master) agree() error {
	info, err := pipeline.LoadCluster(m.FS)
	if err != nil {
		return err
	}
	want := *info
	want.Heartbeat, want.Expiry, want.Attempts = m.Terms.Heartbeat.String(), m.Terms.Expiry.String(), m.Attempts
	want.Settle = m.Settle.String()
	if want == *info {
		return nil
	}
	return want.Write(m.FS)
}

func (m *Master) status(line string) {
	if m.Status != nil {
		m.Status(line)
	}
}

// refurnish makes folders again where an error says that one is missing.
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
