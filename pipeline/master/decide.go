package master

import (
	"context"
	"fmt"

	"github.com/distenc/distenc/pipeline"
)

// earlierDecision gives a source back that an earlier version of distenc was at, whose settings or plan mean something else.
var earlierDecision = pipeline.Decision{Act: pipeline.ActCancelled, Return: true, Reason: "it was begun by an earlier version of distenc, and begins anew"}

var changedDecision = pipeline.Decision{Act: pipeline.ActCancelled, Return: true, Reason: "it changed after it had been taken in: the copy was not finished"}

// startChanged gives a source back that changed under its plan: what can't be encoded then is no fault of
// the chunk's, and the job must not wait for a person.
func (m *Master) startChanged(j *job) {
	m.tasks.start("changed/"+j.ID, 1, func(ctx context.Context) func() {
		if changed, err := m.changed(ctx, j, false); err != nil || !changed {
			return nil // what the share can't tell now, it tells at the next look
		}
		_, err := m.decide(j, changedDecision)
		return func() {
			if err != nil {
				m.later(j, "cannot decide", err)
			}
		}
	})
}

// startDecide publishes a decision beside the main loop.
func (m *Master) startDecide(j *job, d pipeline.Decision) {
	m.tasks.start("decide/"+j.ID, 2, func(context.Context) func() {
		_, err := m.decide(j, d)
		return func() {
			if err != nil {
				m.later(j, "cannot decide", err)
			}
		}
	})
}

// decide publishes a decision (T12). Whatever holds then is carried out at the next look.
func (m *Master) decide(j *job, d pipeline.Decision) (*pipeline.Decision, error) {
	d.By = m.Node
	held, err := pipeline.Decide(m.FS, j.ID, d)
	if err != nil {
		return nil, fmt.Errorf("cannot publish the decision on %s: %w", j.ID, err)
	}
	m.Log.Info("decided", "job", j.ID, "name", pipeline.RawName(j.Name()).String(), "act", held.Act, "reason", held.Reason)
	return held, nil
}
