package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/poison"
)

// removePartial removes our own unfinished results.
func (w *Worker) removePartial(t *Task) {
	w.removeOwn(t.File.Partial())
	if t.searches() {
		w.removeOwn(t.File.Spare())
	}
}

// removeOwn removes a file of ours that no commit names.
func (w *Worker) removeOwn(name string) {
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
	result, other := t.File.Partial(), t.File.Spare()
	if record.Spare {
		result, other = other, result
	}
	if t.searches() {
		w.removeOwn(other)
	}
	if err := w.store(ctx, t, result, append(b, '\n')); err != nil {
		w.removeOwn(t.File.Result())
		w.removeOwn(t.File.Record())
		return err
	}
	if out, err := w.FS.MoveTrusting(ctx, t.File.Path(), t.File.In(pipeline.Committed).Path()); out != sharefs.Won {
		w.Log.Warn("too late: the chunk was given to another, its result is left to the sweep",
			"chunk", t.File.ID(), "outcome", out, "error", err)
		return nil
	}
	w.Log.Info("committed", "chunk", t.File.ID(), "frames", record.Frames, "fps", int(record.FPS()))
	w.faults.encoded(t.File.Job)
	w.speeds.add(t.Plan, t.Chunk.Work(), record.Seconds)
	return nil
}

// store makes result and record durable under their names.
func (w *Worker) store(ctx context.Context, t *Task, result string, record []byte) error {
	stored := t.File.Result()
	if out, err := w.FS.MoveTrusting(ctx, result, stored); out != sharefs.Won {
		return fmt.Errorf("cannot store the result: %w", err)
	}
	if err := w.FS.Create(t.File.Record(), record); err != nil {
		return fmt.Errorf("cannot store the result's record: %w", err)
	}
	// The record's own bytes are synced already; both names are in one folder.
	err := w.FS.Durable(stored)
	if errors.Is(err, fs.ErrNotExist) { // the move's success was none
		if _, err = w.FS.Move(ctx, result, stored); err == nil {
			err = w.FS.Durable(stored)
		}
	}
	if err != nil {
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
		w.removePartial(t)
		return
	}
	if w.gone(t.File.Job) { // nor is its claim given back: it would be tried again at once, and again
		w.Log.Info("stopped: the job's folder is gone", "chunk", t.File.ID())
		w.removePartial(t)
		return
	}
	if sharefs.Trouble(cause) {
		w.troubled(ctx, t, cause)
		return
	}
	w.Log.Error("cannot encode", "chunk", t.File.ID(), "attempt", t.File.Attempt, "error", cause)
	f := pipeline.Failure{By: w.Node, Weight: pipeline.WeightFailed, Reason: firstLine(cause), Log: cause.Error()}
	if err := f.Report(w.FS, t.File); err != nil {
		w.Log.Warn("cannot write a failure's report", "chunk", t.File.ID(), "error", err)
		if sharefs.Trouble(err) { // a failure that nobody can count would be tried for ever
			w.troubled(ctx, t, err)
			return
		}
	}
	w.removePartial(t)
	w.suspect(t.File, cause) // before it is free, or another slot of this node claims it
	// Whoever frees a chunk that failed too often sets it aside: given back, it would be claimed again at
	// once, before any master has seen it.
	switch out, _, err := poison.SetAside(ctx, w.FS, t.File, w.agreed.Load().attempts, w.agreed.Load().Expiry); {
	case out == sharefs.Won:
		w.Log.Error("the chunk failed too often and was set aside; `distenc retry` tries it again", "chunk", t.File.ID())
	case err != nil:
		w.Log.Warn("cannot set a chunk aside", "chunk", t.File.ID(), "error", err)
		fallthrough
	default:
		w.handBack(ctx, t)
	}
}
