package worker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/pipeline"
)

// Task is one claimed chunk in work.
type Task struct {
	File  pipeline.ChunkFile
	Plan  *pipeline.Plan
	Chunk *pipeline.Chunk
	Build pipeline.Build // that must encode it; the zero one: any may
	// Threads are those of its encode; 0: as many as the encoder likes.
	Threads int
	// Spending has the CRF that it is encoded with where the film's size is limited.
	Spending pipeline.Spending

	lease   *lease.Lease
	started time.Time
	frames  atomic.Int64 // encoded so far
	pulse   atomic.Int64 // grows while the encoder shows any sign of life

	mu      sync.Mutex // held while the encoder is paused or let go on
	control *Control   // of the child that runs; nil between two
	paused  bool       // and so is each child to come
}

// searches reports whether the chunk is encoded several times, into two files, for a wanted quality.
func (t *Task) searches() bool { return t.Plan.Demand().Metric != "" }

// Control is what the lease may do to a running encoder.
type Control struct {
	Pause, Resume func() error
	// Life is a number that grows while the encoder works, its CPU time for instance: ffmpeg prints no
	// progress while its trim filter still discards. It is Ended when the child has ended, while its
	// result is checked and stored.
	Life func() int64
	// Memory is what the child has, in bytes. If nil, that is not known.
	Memory func() int64
}

// Ended is the Life of a child that has ended.
const Ended = -1

// Progress is called by the encoder with the frames done and the bytes written so far.
func (t *Task) Progress(frames int, _ int64) {
	t.frames.Store(int64(frames))
	t.pulse.Add(1)
}

// Controlled is called by the encoder when a child has started (c) and when it has ended (nil). A child that starts
// under a fenced lease is paused at once.
func (t *Task) Controlled(c *Control) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.control = c; c != nil && t.paused {
		_ = c.Pause() // that it has ended already is all that can be wrong
	}
}

// hold pauses the encoder, or lets it go on.
func (t *Task) hold(pause bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.paused = pause; {
	case t.control == nil:
		return nil
	case pause:
		return t.control.Pause()
	}
	return t.control.Resume()
}

// memory is what the encoder has of it now, in bytes.
func (t *Task) memory() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.control == nil || t.control.Memory == nil {
		return 0
	}
	return t.control.Memory()
}

// child is what runs now, nil if nothing does or it is paused.
func (t *Task) child() *Control {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paused {
		return nil
	}
	return t.control
}
