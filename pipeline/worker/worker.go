// Package worker is the daemon that claims chunks, encodes them and commits the results: steps T4 to T8
// of docs/protocol.md. It may die at any moment; whatever it was at is then encoded by another.
package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// Encoder encodes one chunk. The stage with ffmpeg is Media; its Job's names are names on the share.
type Encoder interface {
	// Encode writes the chunk's result to task.File.Partial(), durably, and says what it is. ctx ends it.
	Encode(ctx context.Context, task *Task) (*pipeline.Record, error)
	// Version names the encoder, for nodes/ and records.
	Version() string
}

// Options is what a worker needs. FS, Node, Slots, Encoder, Log and Poll must be set.
type Options struct {
	FS      *sharefs.FS
	Node    string
	Slots   int // parallel encodes
	Encoder Encoder
	Log     *slog.Logger
	Poll    time.Duration // the shortest wait between two looks at the share when there is nothing to do and nothing announced
	// Rest says why no chunk may be claimed now, "" if one may: a busy machine, the wrong hour, a full
	// disk. running is how many encodes of its own the machine has. It may be nil.
	Rest func(running int) string
	// Lease changes how leases are kept, in tests and simulations.
	Lease []lease.Option
	// MaxChunks ends Run after that many claims; 0: no limit.
	MaxChunks int
	// UntilIdle ends Run when nothing is left to claim.
	UntilIdle bool
	// Wake ends an idle wait early. It may be nil.
	Wake <-chan struct{}
	// Status is told in one line what the worker does, for the service manager. It may be nil.
	Status func(line string)
	// Threads are those of one encode.
	Threads int
	// Memory returns how many bytes programs can still have here, and how many at most. If nil, every encode fits.
	Memory func() (free, most int64)
	// Version is distenc's own, for nodes/.
	Version string
	// Load is the machine's load average, for nodes/. It may be nil.
	Load func() float64
}

// Worker is one daemon's life as a worker.
type Worker struct {
	Options
	contact *lease.Contact
	since   time.Time
	plans   plans

	pause  pause      // of this node, since it or the share is at fault
	faults faults     // of encodes on this node
	memory memory     // of this machine
	second sync.Mutex // held by the slot that looks for a chunk to encode a second time

	mu        sync.Mutex
	claims    int              // made so far
	tasks     map[string]*Task // running, by chunk id
	why       string           // why Rest lets nothing be claimed
	speed     map[string]pipeline.Speed
	rate      rate
	peers     peers
	wait      time.Duration // the next idle wait
	longest   time.Duration // that it may grow to
	soon      bool          // more chunks are announced, and can be counted on
	told      time.Time     // since when they are; zero: they are not
	quiet     int           // looks in a row that found nothing
	seq       int64
	agreed    time.Time // when terms and limit were read, and for a chunk of which job
	agreedFor string
	terms     lease.Terms
	limit     int // failures of one chunk until it is set aside

	looking sync.Mutex // guards known
	known   *status.Cache
}

// The back-off of an idle worker is bounded by these, so that 200 of them cost the file server little.
const (
	maxIdleWait = 30 * time.Second // while there is nothing
	maxTailWait = 10 * time.Second // while others encode
	maxSoonWait = time.Second      // while chunks are announced
)

// soonFor is how long an announcement is counted on: a copy into the inbox can take a day.
const soonFor = 2 * time.Minute

// New returns a worker that is not yet running.
func New(o Options) *Worker {
	return &Worker{
		Options: o, contact: lease.NewContact(o.Log), memory: memory{look: o.Memory}, since: time.Now().UTC(), wait: o.Poll, longest: maxIdleWait,
		tasks: map[string]*Task{}, speed: map[string]pipeline.Speed{},
		known: status.NewCache(),
	}
}

// Run works until ctx ends, or until MaxChunks or UntilIdle is reached. When ctx ends, what is being
// encoded is handed back first; Run always returns nil then.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.agree(""); err != nil {
		return err
	}
	presence, leave := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { w.show(presence) })
	var slots sync.WaitGroup
	for range w.Slots {
		slots.Go(func() { w.slot(ctx) })
	}
	slots.Wait()
	leave()
	wg.Wait()
	return nil
}

// agreeEvery is the time between two looks at what all nodes must agree on: a new master may have published
// other terms.
const agreeEvery = time.Minute

// agree reads the terms that all nodes keep, which the master has published, unless it has just done so for
// this job: one of the master that leads now was published after its terms.
func (w *Worker) agree(job string) error {
	w.mu.Lock()
	recent := w.agreedFor == job && !w.agreed.IsZero() && time.Since(w.agreed) < agreeEvery
	w.mu.Unlock()
	if recent {
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
	w.mu.Lock()
	defer w.mu.Unlock()
	w.agreed, w.agreedFor = time.Now(), job
	w.terms, w.limit = terms, info.Attempts
	return nil
}

// slot claims and encodes one chunk after the other.
func (w *Worker) slot(ctx context.Context) {
	for ctx.Err() == nil && w.mayClaim() {
		task, err := w.claim(ctx)
		if err != nil && ctx.Err() == nil {
			w.contact.Lost(err)
		}
		if task == nil {
			w.giveClaimBack()
			if w.idle(ctx, err) {
				return
			}
			continue
		}
		w.found()
		w.work(ctx, task)
	}
}

// mayClaim counts a claim against MaxChunks before it is made, so that slots can't exceed it together.
func (w *Worker) mayClaim() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.MaxChunks > 0 && w.claims >= w.MaxChunks {
		return false
	}
	w.claims++
	return true
}

func (w *Worker) giveClaimBack() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.claims--
}

func (w *Worker) found() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wait, w.quiet = w.Poll, 0
}

// noteSoon takes in whether more chunks are announced.
func (w *Worker) noteSoon(soon bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !soon:
		w.told = time.Time{}
	case w.told.IsZero():
		w.told = time.Now()
	}
	w.soon, w.longest = soon && time.Since(w.told) < soonFor, maxIdleWait
	if w.soon {
		w.longest = maxSoonWait
	}
}

func (w *Worker) soonMore() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.soon
}

// waitAtMost sets how long an idle wait may get.
func (w *Worker) waitAtMost(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.longest = d
}

// idle waits, longer every time that nothing is found. done: with UntilIdle, there is nothing left.
func (w *Worker) idle(ctx context.Context, err error) (done bool) {
	w.mu.Lock()
	if err == nil {
		w.quiet++
	}
	if w.UntilIdle && w.quiet > w.Slots && len(w.tasks) == 0 && err == nil {
		w.mu.Unlock()
		if w.nothingComing() {
			return true
		}
		w.mu.Lock()
	}
	most := max(w.Poll, w.longest)
	if w.soon {
		most = w.longest
	}
	w.wait = min(w.wait, most)
	wait := sharefs.Jitter(w.wait)
	w.wait = w.wait * 5 / 4
	if w.UntilIdle {
		wait = sharefs.Jitter(w.Poll)
	}
	w.mu.Unlock()
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-w.Wake:
	}
	return false
}

// nothingComing tells whether no job is about to be cut: one that a master has taken in but not yet
// planned, or whose chunks are not all made.
func (w *Worker) nothingComing() bool {
	w.looking.Lock()
	defer w.looking.Unlock()
	s, err := status.Read(w.FS, w.known)
	if err != nil {
		return false
	}
	for _, j := range s.Jobs {
		switch j.State {
		case pipeline.Planning, pipeline.Splitting:
			return false
		case pipeline.InWork:
			if j.Chunks.Pending > 0 {
				return false
			}
		}
	}
	return true
}

// show writes nodes/<node>.json, which tells people what this worker does: at every heartbeat, or at every second
// one while there is nothing new.
func (w *Worker) show(ctx context.Context) {
	var last *pipeline.Node
	var written time.Time
	for {
		n := w.node()
		if !n.Repeats(last) || time.Since(written) > w.Terms().Heartbeat*3/2 {
			if err := n.Write(w.FS); err != nil {
				w.Log.Debug("cannot write the node's file", "error", err)
			}
			last, written = n, time.Now()
		}
		if w.Status != nil {
			w.Status(w.line(n))
		}
		t := time.NewTimer(w.Terms().Heartbeat)
		select {
		case <-ctx.Done():
			t.Stop()
			if err := n.Leave(w.FS); err != nil && !errors.Is(err, context.Canceled) {
				w.Log.Debug("cannot remove the node's file", "error", err)
			}
			return
		case <-t.C:
		}
	}
}

func (w *Worker) attempts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.limit
}

// Terms returns the lease terms in force.
func (w *Worker) Terms() lease.Terms {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.terms
}
