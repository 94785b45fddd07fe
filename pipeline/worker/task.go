package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/poison"
)

// Task is one claimed chunk in work.
type Task struct {
	File  pipeline.ChunkFile
	Plan  *pipeline.Plan
	Chunk *pipeline.Chunk

	lease   *lease.Lease
	started time.Time
	frames  atomic.Int64 // encoded so far
	pulse   atomic.Int64 // grows while the encoder shows any sign of life

	mu      sync.Mutex // held while the encoder is paused or let go on
	control *Control   // of the child that runs; nil between two
	paused  bool       // and so is each child to come
}

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

func (w *Worker) begin(plan *pipeline.Plan, c pipeline.ChunkFile, held *lease.Lease) *Task {
	t := &Task{File: c, Plan: plan, Chunk: &plan.Chunks[c.Chunk], lease: held, started: time.Now()}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tasks[c.ID()] = t
	return t
}

// errClaimLost is the cause that stops an encoder whose chunk is no longer ours.
var errClaimLost = errors.New("the claim is gone")

// errPaused is the cause that stops an encoder whose job was paused at once.
var errPaused = errors.New("the job is paused")

// work encodes a claimed chunk under its lease, and commits it, hands it back or reports its failure.
func (w *Worker) work(ctx context.Context, t *Task) {
	defer func() {
		w.mu.Lock()
		if w.tasks[t.File.ID()] == t { // another slot can have another copy of the chunk
			delete(w.tasks, t.File.ID())
		}
		w.rate.ended(t.File.Job, t.frames.Load())
		w.mu.Unlock()
	}()
	if err := w.agree(t.File.Job); err != nil { // a new master may have published others
		w.Log.Warn("cannot read the lease terms anew", "error", err)
	}
	encoding, stop := context.WithCancelCause(ctx)
	keeping, release := context.WithCancel(context.WithoutCancel(ctx))
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		if err := t.lease.Keep(keeping, w.Terms(), w.guard(t, stop)); err != nil {
			stop(errClaimLost)
		}
	}()
	record, err := w.Encoder.Encode(encoding, t)
	// The lease is kept until the chunk has left our hands, whichever way.
	cleanup, cancel := grace(keeping, ctx)
	w.settle(cleanup, encoding, t, record, err)
	cancel()
	stop(nil)
	release()
	<-kept
	t.lease.Release()
}

// settle ends a task. cleanup outlives a cancelled worker: an unfinished chunk is handed back first.
func (w *Worker) settle(cleanup, encoding context.Context, t *Task, record *pipeline.Record, err error) {
	switch {
	case err == nil:
		err = w.commit(cleanup, t, record)
		if err != nil {
			w.failed(cleanup, t, err)
		}
	case errors.Is(context.Cause(encoding), errClaimLost):
		w.Log.Warn("the claim was given to another, stopped", "chunk", t.File.ID(), "attempt", t.File.Attempt)
		if part := float64(t.frames.Load()) / float64(t.Chunk.PTS.Len()); part > 0 {
			w.measured(t, part, time.Since(t.started).Seconds())
		}
		w.discard(t)
	case encoding.Err() != nil:
		w.Log.Info("handed back", "chunk", t.File.ID())
		w.discard(t)
		w.handBack(cleanup, t)
	default:
		w.failed(cleanup, t, err)
	}
}

// handBackTime bounds the clean-up of one task when the worker stops.
const handBackTime = 30 * time.Second

// grace returns a child of parent that ends handBackTime after ctx has, and not before: while the worker
// runs, a share that is away for long must not make finished work vain.
func grace(parent, ctx context.Context) (context.Context, context.CancelFunc) {
	child, cancel := context.WithCancel(parent)
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(handBackTime)
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-child.Done():
		}
	})
	return child, func() { stop(); cancel() }
}

// discard removes our own unfinished result.
func (w *Worker) discard(t *Task) { w.drop(t.File.Partial()) }

// drop removes a file of ours that no commit names.
func (w *Worker) drop(name string) {
	if err := w.FS.Remove(name); err != nil {
		w.Log.Debug("cannot remove a file of ours, the sweep will", "name", name, "error", err)
	}
}

// commit stores result and record durably (T7) and moves the chunk to committed (T8). If that move is
// not won, everything is left to the sweep.
func (w *Worker) commit(ctx context.Context, t *Task, record *pipeline.Record) error {
	record.Chunk, record.Attempt, record.Node, record.Time = t.File.ID(), t.File.Attempt, w.Node, time.Now().UTC()
	b, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return err
	}
	if err := w.store(ctx, t, append(b, '\n')); err != nil {
		w.drop(t.File.Result())
		w.drop(t.File.Record())
		return err
	}
	if out, err := w.FS.Move(ctx, t.File.Path(), t.File.In(pipeline.Committed).Path()); out != sharefs.Won {
		w.Log.Warn("too late: the chunk was given to another, its result is left to the sweep", "chunk", t.File.ID(), "outcome", out, "error", err)
		return nil
	}
	w.Log.Info("committed", "chunk", t.File.ID(), "frames", record.Frames, "fps", int(record.FPS()))
	w.faults.encoded(t.File.Job)
	w.measured(t, 1, record.Seconds)
	return nil
}

// store makes result and record durable under their names.
func (w *Worker) store(ctx context.Context, t *Task, record []byte) error {
	if out, err := w.FS.Move(ctx, t.File.Partial(), t.File.Result()); out != sharefs.Won {
		return fmt.Errorf("cannot store the result: %w", err)
	}
	if err := w.FS.Create(t.File.Record(), record); err != nil {
		return fmt.Errorf("cannot store the result's record: %w", err)
	}
	// The record's own bytes are synced already; both names are in one folder.
	if err := w.FS.Durable(t.File.Result()); err != nil {
		return fmt.Errorf("cannot store the result: %w", err)
	}
	return nil
}

// handBack frees a chunk for the others at once; it counts as no failure.
func (w *Worker) handBack(ctx context.Context, t *Task) {
	if out, err := w.FS.Move(ctx, t.File.Path(), t.File.AsPending(t.File.Attempt+1).Path()); out != sharefs.Won {
		w.Log.Warn("cannot hand a chunk back, its lease will run out", "chunk", t.File.ID(), "error", err)
	}
}

// failed reports a failure and frees the chunk; a master sets it aside if it fails too often.
func (w *Worker) failed(ctx context.Context, t *Task, cause error) {
	if names, err := w.FS.List(pipeline.ClaimedDir); err == nil && !contains(names, t.File) {
		// The job was cancelled, or somebody removed the chunk: then its folder may be gone as well.
		w.Log.Info("stopped: the claim is gone", "chunk", t.File.ID(), "error", cause)
		w.discard(t)
		return
	}
	if w.gone(t.File.Job) { // nor is its claim given back: it would be tried again at once, and again
		w.Log.Info("stopped: the job's folder is gone", "chunk", t.File.ID())
		w.discard(t)
		return
	}
	f := pipeline.Failure{By: w.Node, Weight: pipeline.WeightFailed, Reason: firstLine(cause), Log: cause.Error()}
	if sharefs.Trouble(cause) {
		w.troubled(ctx, t, cause)
		return
	}
	w.Log.Error("cannot encode", "chunk", t.File.ID(), "attempt", t.File.Attempt, "error", cause)
	if err := f.Report(w.FS, t.File); err != nil {
		w.Log.Warn("cannot write a failure's report", "chunk", t.File.ID(), "error", err)
		if sharefs.Trouble(err) { // a failure that nobody can count would be tried for ever
			w.troubled(ctx, t, err)
			return
		}
	}
	w.discard(t)
	// Whoever frees a chunk that failed too often sets it aside: given back, it would be claimed again at
	// once, before any master has seen it.
	switch out, _, err := poison.SetAside(ctx, w.FS, t.File, w.attempts(), w.Terms().Expiry); {
	case out == sharefs.Won:
		w.Log.Error("the chunk failed too often and was set aside; `distenc retry` tries it again", "chunk", t.File.ID())
	case err != nil:
		w.Log.Warn("cannot set a chunk aside", "chunk", t.File.ID(), "error", err)
		fallthrough
	default:
		w.handBack(ctx, t)
	}
	w.suspect(t.File, cause)
}

// guard lets the lease ask whether the encoder lives and the claim is ours, and pause the encoder. Where
// it looks for the claim it also looks whether people want the chunk handed back.
func (w *Worker) guard(t *Task, stop context.CancelCauseFunc) lease.Guard {
	last := int64(-1)
	hold := func(pause bool) func() {
		return func() {
			if err := t.hold(pause); err != nil {
				w.Log.Debug("cannot pause or resume the encoder", "chunk", t.File.ID(), "error", err)
			}
		}
	}
	return lease.Guard{
		Alive: func() bool {
			c := t.child()
			if c == nil { // what we paused stands still, and must beat to go on
				return true // between two children: reading, checking, storing
			}
			life := c.Life()
			now := life + t.pulse.Load()
			alive := now != last || life == Ended
			last = now
			return alive
		},
		Owned: func(context.Context) (bool, error) {
			names, err := w.FS.List(pipeline.ClaimedDir)
			if err != nil {
				return false, err
			}
			if control, err := pipeline.ReadControl(w.FS, t.File.Job); err == nil && control.Now {
				stop(errPaused)
			}
			return contains(names, t.File), nil
		},
		Pause:  hold(true),
		Resume: hold(false),
	}
}
