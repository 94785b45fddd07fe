// Package worker is the daemon that claims chunks, encodes them and commits the results: steps T4 to T8
// of docs/protocol.md. It may die at any moment; whatever it was at is then encoded by another.
package worker

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// Encoder encodes one chunk.
type Encoder interface {
	// Encode writes the chunk's result to task.File.Partial(), or Spare() if the record says so, durably, and describes
	// it. ctx ends it. The error is ErrOtherBuild if it may be another build than task.Build that has encoded it.
	Encode(ctx context.Context, task *Task) (*pipeline.Record, error)
	// Version names the encoder, for nodes/ and records.
	Version() string
	// Build returns the build of an encoder that this node has now. The error says why it can't encode pictures of that
	// format.
	Build(ctx context.Context, encoder, format string) (pipeline.Build, error)
	// Builds returns those of all encoders, for nodes/. It tries what was not tried yet.
	Builds(ctx context.Context) []pipeline.Offer
	// Measures says why this node can't encode by a metric, nil if it can.
	Measures(ctx context.Context, m pipeline.Metric) error
	// Metrics returns those that it can, for nodes/. It tries what was not tried yet.
	Metrics(ctx context.Context) []pipeline.Metric
}

// ErrOtherBuild tells that the encoder was replaced while a chunk was encoded. Encoder.Build knows the new one.
var ErrOtherBuild = errors.New("the encoder is another one than when the chunk was claimed")

// Options is what a worker needs. FS, Node, Slots, Encoder, Log and Poll must be set.
type Options struct {
	FS      *sharefs.FS
	Node    string
	Slots   int // parallel encodes
	Encoder Encoder
	Log     *slog.Logger
	// Poll is the shortest wait between two looks at the share while there is nothing to do and nothing announced.
	Poll    time.Duration
	Machine Machine
	// Lease changes how leases are kept, in tests and simulations.
	Lease []lease.Option
	// MaxChunks ends Run after that many claims. If 0, there is no limit.
	MaxChunks int
	// UntilIdle ends Run when nothing is left to claim that fits this machine's memory, and no film in the inbox that a
	// master is about to take.
	UntilIdle bool
	// Wake ends an idle wait early. If nil, none ends early.
	Wake <-chan struct{}
	// Status is called at each heartbeat with one line for the service manager. If nil, it is not called.
	Status func(line string)
	// Version is distenc's own, for nodes/.
	Version string
}

// Machine is what this machine has for encodes, and when. The zero value lets every encode begin at once.
type Machine struct {
	// Cores are what encodes can keep busy, for nodes/.
	Cores int
	// Threads are those of one encode while others follow it.
	Threads int
	// Memory returns how many bytes programs can still have here, and how many at most. It is called before each claim
	// and at each heartbeat. If nil, every encode fits.
	Memory func() (free, most int64)
	// Rest is called before each look for a chunk, with the threads of the encodes that run here. It returns why no chunk
	// may be claimed now, "" if one may: a busy machine, the wrong hour, a full disk. If nil, one always may.
	Rest func(threads int) string
	// Load returns the load average, for nodes/. It is called at each heartbeat. If nil, 0 is written.
	Load func() float64
}

// Worker is one daemon's life as a worker.
type Worker struct {
	Options
	contact *lease.Contact
	claims  *semaphore.Weighted // up to MaxChunks

	agreed  atomic.Pointer[agreement]
	plans   plans
	running running
	backoff *backoff
	pause   pause
	faults  faults
	memory  memory
	builds  builds
	budgets budgets
	speeds  speeds
	peers   peers
	outlook outlook
	copying sync.Mutex // held by the slot that looks for a chunk to encode a second time
}

// New returns a worker that is not yet running.
func New(o Options) *Worker {
	w := &Worker{
		Options: o, contact: lease.NewContact(o.Log),
		claims:  semaphore.NewWeighted(cmp.Or(int64(o.MaxChunks), math.MaxInt64)),
		backoff: newBackoff(o.Poll), memory: memory{read: o.Machine.Memory},
		peers: peers{share: o.FS, self: o.Node}, outlook: outlook{cache: status.NewCache()},
	}
	w.agreed.Store(&agreement{})
	return w
}

// Run works until ctx ends, or until MaxChunks or UntilIdle is reached. When ctx ends, what is being
// encoded is handed back first; Run always returns nil then.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.agree(""); err != nil {
		return err
	}
	presence, leave := context.WithCancel(context.WithoutCancel(ctx))
	var shown, slots sync.WaitGroup
	shown.Go(func() { w.show(presence) })
	for range w.Slots {
		slots.Go(func() { w.slot(ctx) })
	}
	slots.Wait()
	if w.UntilIdle && ctx.Err() == nil {
		w.tellWhatIsLeft()
	}
	leave()
	shown.Wait()
	return nil
}

// tellWhatIsLeft logs why a worker ends beside work that is not done.
func (w *Worker) tellWhatIsLeft() {
	if lacks := cmp.Or(w.memory.lacks(), w.builds.lacks()); lacks != "" {
		w.Log.Warn("ends: what is left can't be encoded on this machine", "reason", lacks)
	}
	if lacks := w.outlook.lacks(); lacks != "" {
		w.Log.Warn("ends: what is in the inbox has to become a job first", "reason", lacks)
	}
}

// slot claims and encodes one chunk after the other. It counts a claim before it makes it, so that slots can't exceed
// MaxChunks together.
func (w *Worker) slot(ctx context.Context) {
	for ctx.Err() == nil && w.claims.TryAcquire(1) {
		task, err := w.claim(ctx)
		if task != nil {
			w.backoff.found()
			w.runTask(ctx, task)
			continue
		}
		w.claims.Release(1)
		switch {
		case err != nil && ctx.Err() == nil:
			w.contact.Lost(err)
		case err == nil && w.backoff.missed() > w.Slots && w.UntilIdle && w.mayEnd(ctx):
			return
		}
		wait := w.backoff.wait()
		if w.UntilIdle {
			wait = w.Poll
		}
		w.idle(ctx, sharefs.Jitter(wait))
	}
}

// idle waits for d, until ctx ends or until Wake says that there is something new.
func (w *Worker) idle(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-w.Wake:
	}
}

// mayEnd reports whether nothing is in work here, and nothing left or about to come that this worker could encode.
func (w *Worker) mayEnd(ctx context.Context) bool {
	// The inbox is looked at between two looks at the jobs: a film leaves it when it is one (T1).
	return w.running.count() == 0 && w.nothingLeft() && !w.expectsFilm(ctx) && w.nothingLeft()
}
