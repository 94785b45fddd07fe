package master

import (
	"context"
	"fmt"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

var (
	// earlierDecision gives a source back that an earlier version of distenc was at, whose settings or plan mean
	// something else.
	earlierDecision = pipeline.Decision{
		Act: pipeline.ActCancelled, Return: true, Reason: "it was begun by an earlier version of distenc, and begins anew",
	}
	changedDecision = pipeline.Decision{
		Act: pipeline.ActCancelled, Return: true, Reason: "it changed after it had been taken in: the copy was not finished",
	}
)

// startDecide publishes a decision beside the main loop.
func (t *term) startDecide(j *job, d pipeline.Decision) {
	background(t, "decide", j, func(_ context.Context, w *jobTask) error { return w.decide(d) },
		t.orLater(j, "cannot decide"))
}

// inspectSource gives the source back of a job with chunks set aside, if it changed under its plan: what can't be
// encoded then is no fault of the chunk's, and the job must not wait for a person.
func (t *term) inspectSource(j *job) {
	if j.chunks.aside == 0 || time.Since(j.chunks.inspected) <= sharefs.StaleNames {
		return
	}
	j.chunks.inspected = time.Now()
	background(t, "changed", j, func(ctx context.Context, w *jobTask) error {
		if changed, err := w.changed(ctx, false); err != nil || !changed {
			return nil // what the share can't tell now, it tells at the next look
		}
		return w.decide(changedDecision)
	}, t.orLater(j, "cannot decide"))
}

// unchanged reports whether the source is still what was taken in. If not, that is decided.
func (w *jobTask) unchanged(ctx context.Context) (bool, error) {
	changed, err := w.changed(ctx, false)
	if err == nil && changed {
		err = w.decide(changedDecision)
	}
	return err == nil && !changed, err
}

// decide publishes a decision (T12). Whatever holds then is carried out at the next look.
func (w *jobTask) decide(d pipeline.Decision) error {
	d.By = w.Node
	held, err := pipeline.Decide(w.FS, w.job.ID, d)
	if err != nil {
		return fmt.Errorf("cannot publish the decision on %s: %w", w.job.ID, err)
	}
	w.Log.Info("decided",
		"job", w.job.ID, "name", pipeline.RawName(w.job.Name()).String(), "act", held.Act, "reason", held.Reason)
	return nil
}
