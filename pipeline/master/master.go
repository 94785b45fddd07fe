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
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// Order is how one dropped file is to be encoded, resolved from its folder, its sidecar and the
// configuration.
type Order struct {
	Settings pipeline.Settings
	Priority int
	Nonce    string // of the `distenc add` that dropped it
	Size     int64  // the whole file's size as `distenc add` promised it; 0: no promise
	Again    bool   // encode it though the same content was encoded before
	Paused   bool   // its job begins as a paused one
}

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
			wait(ctx, m.Terms.Heartbeat)
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

// reign is one term as the leading master. done says that UntilIdle was reached.
func (m *Master) reign(ctx context.Context) (done bool, err error) {
	m.watch = watcher.New(m.FS, pipeline.Inbox)
	m.observer = lease.NewObserver(m.FS, pipeline.Leases, pipeline.ProbeDir+"/"+m.Node, m.Terms, m.Lease...)
	defer func() {
		if err := m.observer.Close(); err != nil {
			m.Log.Debug("cannot remove the probe file", "error", err)
		}
	}()
	m.nextLook, m.watched = m.Poll, time.Time{}
	m.jobs, m.closed, m.taking, m.known = map[string]*job{}, map[string]bool{}, map[string]bool{}, newIndex()
	m.films, m.recent = newFilms(), nil
	m.dropped, m.left, m.told, m.orphans = map[string]*dropped{}, nil, map[string]bool{}, nil
	if err := pipeline.WriteLeftAlone(m.FS, nil); err != nil {
		m.Log.Debug("cannot clear what the last master left alone", "error", err)
	}
	m.dead, m.empty, m.late = map[string]*still{}, nil, map[string]*lateJob{}
	m.tasks = newTasks(ctx, m.Took)
	defer m.tasks.stop()
	if err := m.agree(); err != nil {
		return false, err
	}
	for ctx.Err() == nil {
		idle, err := m.round(ctx)
		if err == nil {
			m.contact.Back()
		} else if ctx.Err() == nil {
			m.contact.Lost(err)
		}
		if idle && err == nil && m.UntilIdle {
			return true, m.verdict()
		}
		m.pause(ctx)
	}
	return false, nil
}

// verdict tells at the end whether any file failed, was rejected, or waits for a person.
func (m *Master) verdict() error {
	failed := m.failed
	for _, j := range m.jobs {
		if j.aside > 0 {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%w: %d of them; `distenc status` and the folder %s say why", ErrJobFailed, failed, m.FS.Path(pipeline.FailedDir))
	}
	return nil
}

// pause waits until the next look: the poll interval, the time at which a file will have settled, a
// wake, or a task that has ended.
func (m *Master) pause(ctx context.Context) {
	t := time.NewTimer(m.nextLook)
	defer t.Stop()
	// What comes in bursts (moves into a folder, chunks accepted) is looked at together.
	together := max(burst, m.Poll/10)
	select {
	case <-ctx.Done():
		return
	case <-t.C:
		return
	case <-m.Wake:
	case apply := <-m.tasks.results:
		if apply(); m.pending == 0 { // somebody waits for the first chunks of a job, or for the last results of one
			together = burst
		}
	}
	wait(ctx, together)
}

// elsewhere tells whether a lock, named by a claim's stem or a master's node, is held on another host.
func (m *Master) elsewhere(name string) bool {
	if c, ok := pipeline.ParseStem(name); ok {
		name = c.Node
	}
	return pipeline.NodeHost(name) != pipeline.NodeHost(m.Node)
}

// burst is the shortest time between two looks at the share.
const burst = 50 * time.Millisecond

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

// round is one look at the share and what follows from it. idle: there is nothing left that a master
// or a worker could do.
func (m *Master) round(ctx context.Context) (idle bool, err error) {
	m.tasks.drain()
	if m.Times != nil {
		was := m.Settle
		if m.Settle, m.Poll = m.Times(); m.Settle != was {
			if err := m.agree(); err != nil {
				return false, err
			}
		}
	}
	survey, err := pipeline.Look(m.FS)
	if err == nil {
		err = m.findJobs()
	}
	if err != nil {
		m.refurnish(err)
		return false, err
	}
	m.pending = survey.Count(pipeline.Pending)
	m.expire(ctx, survey)
	m.sweepOrphans(survey)
	m.sweepDead()
	m.lookAtLate()
	m.lookBack()
	m.guardDisk()
	busy := 0
	for _, j := range m.inOrder() {
		if m.step(ctx, j, survey.Job(j.ID)) {
			busy++
		}
	}
	if m.waiting, err = m.lookAtInbox(ctx); err != nil {
		m.refurnish(err)
	}
	if m.pending == 0 && survey.Count(pipeline.Claimed)+survey.Count(pipeline.Committed) > 0 {
		m.nextLook = min(m.nextLook, m.Poll/5) // somebody waits for the last results of a job
	}
	m.announce(survey)
	m.status(strings.TrimSuffix(fmt.Sprintf("%s in work, %s waiting in the inbox; %s", english.Plural(busy, "job", ""), english.Plural(m.waiting, "file", ""), m.full), "; "))
	return busy == 0 && m.waiting == 0 && m.tasks.idle(), err
}

// guardDisk finds out whether there is room, and says so when that changes.
func (m *Master) guardDisk() {
	was := m.full
	if m.full = ""; m.Full != nil {
		m.full = m.Full()
	}
	switch {
	case was == "" && m.full != "":
		m.Log.Warn("no new file is taken and nothing is cut until there is room", "reason", m.full)
	case was != "" && m.full == "":
		m.Log.Info("there is room again")
	}
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

// wait waits for a while, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
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

// findJobs takes up the jobs that another life of a master has left, or another master has made.
func (m *Master) findJobs() error {
	ids, err := m.FS.List(pipeline.Jobs)
	if err != nil {
		return err
	}
	m.present = map[string]bool{}
	for _, id := range ids {
		m.present[id] = true
		if !pipeline.ValidJob(id) || m.closed[id] || m.jobs[id] != nil || m.taking[id] {
			continue
		}
		record, err := pipeline.LoadJob(m.FS, id)
		if errors.Is(err, fs.ErrNotExist) {
			m.unwritten(id) // its master is just making it, or never came to that
			continue
		}
		if err != nil { // another master may be writing it; whatever else it is, it harms no other job
			m.once("a job's folder can't be read, left alone", "job", id, "error", err)
			continue
		}
		m.adopt(&job{Job: record})
	}
	return nil
}

// adopt puts a job under this master's eyes.
func (m *Master) adopt(j *job) {
	m.jobs[j.ID] = j
	m.films.begun(j.Job)
}

// once logs a warning the first time it comes with this job.
func (m *Master) once(msg string, args ...any) {
	if key := fmt.Sprint(msg, args[1]); !m.told[key] {
		m.told[key] = true
		m.Log.Warn(msg, args...)
	}
}

// inOrder returns the live jobs by priority, then age.
func (m *Master) inOrder() []*job {
	out := make([]*job, 0, len(m.jobs))
	for _, j := range m.jobs {
		out = append(out, j)
	}
	sortJobs(out)
	return out
}
