package worker

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

func (w *Worker) begin(plan *pipeline.Plan, c pipeline.ChunkFile, threads int, held *lease.Lease) *Task {
	t := &Task{
		File: c, Plan: plan, Chunk: &plan.Chunks[c.Chunk], Build: w.builds.now(c.Job), Threads: threads, lease: held,
		started: time.Now(),
	}
	w.running.add(t)
	return t
}

// errClaimLost is the cause that stops an encoder whose chunk is no longer ours.
var errClaimLost = errors.New("the claim is gone")

// errPaused is the cause that stops an encoder whose job was paused at once.
var errPaused = errors.New("the job is paused")

// errResting is the cause that stops an encoder whose machine people want at once.
var errResting = errors.New("the machine is asked to rest")

// runTask encodes a claimed chunk under its lease, and commits it, hands it back or reports its failure.
func (w *Worker) runTask(ctx context.Context, t *Task) {
	defer w.running.remove(t)
	if err := w.agree(t.File.Job); err != nil {
		w.Log.Warn("cannot read the lease terms anew", "error", err)
	}
	encoding, stop := context.WithCancelCause(ctx)
	keeping, release := context.WithCancel(context.WithoutCancel(ctx))
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		if err := t.lease.Keep(keeping, w.agreed.Load().Terms, w.guard(t, stop)); err != nil {
			stop(errClaimLost)
		}
	}()
	record, err := w.encode(encoding, t)
	// The lease is kept until the chunk has left our hands, whichever way.
	cleanup, cancel := grace(keeping, ctx)
	w.settle(cleanup, encoding, t, record, err)
	cancel()
	stop(nil)
	release()
	<-kept
	t.lease.Release()
}

// encode encodes a claimed chunk with what its film can afford.
func (w *Worker) encode(ctx context.Context, t *Task) (*pipeline.Record, error) {
	if err := w.afford(t); err != nil {
		return nil, fmt.Errorf("cannot read what the film's size leaves for the chunk: %w", err)
	}
	return w.Encoder.Encode(ctx, t)
}

// settle ends a task. cleanup outlives a cancelled worker: an unfinished chunk is handed back first.
func (w *Worker) settle(cleanup, encoding context.Context, t *Task, record *pipeline.Record, err error) {
	switch {
	case err == nil:
		err = w.commit(cleanup, t, record)
		if err != nil {
			w.failed(cleanup, t, err)
		}
	case errors.Is(err, ErrOtherBuild):
		w.Log.Warn("handed back: the encoder was replaced while the chunk was encoded", "chunk", t.File.ID())
		w.removePartial(t)
		w.handBack(cleanup, t)
	case errors.Is(context.Cause(encoding), errClaimLost):
		w.Log.Warn("the claim was given to another, stopped", "chunk", t.File.ID(), "attempt", t.File.Attempt)
		if part := float64(t.frames.Load()) / float64(t.Chunk.PTS.Len()); part > 0 {
			w.speeds.add(t.Plan, part*t.Chunk.Work(), time.Since(t.started).Seconds())
		}
		w.removePartial(t)
	case encoding.Err() != nil:
		w.Log.Info("handed back", "chunk", t.File.ID())
		w.removePartial(t)
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
		_ = sharefs.Sleep(child, handBackTime)
		cancel()
	})
	return child, func() { stop(); cancel() }
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
			if asked := w.askedToRest(); asked != nil && asked.Now {
				stop(errResting)
			}
			return contains(names, t.File), nil
		},
		Pause:  hold(true),
		Resume: hold(false),
	}
}

// contains reports whether a sorted listing of the claims has this one.
func contains(names []string, c pipeline.ChunkFile) bool {
	_, found := slices.BinarySearch(names, path.Base(c.Path()))
	return found
}
