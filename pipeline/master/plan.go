package master

import (
	"context"
	"errors"

	"github.com/distenc/distenc/pipeline"
)

// maxUnsplit is of how many planned jobs chunks may still have to be made. A plan can bring a normalised
// copy of its source with it, so no more of them are made than are needed soon.
const maxUnsplit = 2

// mayPlan tells whether another job may be planned now.
func (m *Master) mayPlan() bool {
	unsplit := 0
	for _, j := range m.jobs {
		if len(j.unmade) > 0 {
			unsplit++
		}
	}
	return unsplit < maxUnsplit && m.pending < maxAhead && m.full == ""
}

// startPlan plans the job (T2).
func (m *Master) startPlan(j *job) {
	if !m.mayPlan() {
		j.scan = Scan{} // it may be 20 MB; the source is scanned again when its turn comes
		return
	}
	m.tasks.start("plan/"+j.ID, 1, func(ctx context.Context) func() {
		plan, ours, err := m.plan(ctx, j)
		return func() {
			var refused *pipeline.Refusal
			switch {
			case errors.As(err, &refused):
				m.startDecide(j, pipeline.Decision{Act: pipeline.ActFailed, Reason: refused.Reason})
			case err != nil:
				m.later(j, "cannot plan", err)
			case !ours:
				j.plan = nil // it is read: another one may be there than this master made once
			case ours:
				j.plan, j.scan = plan, Scan{} // a scan may be 20 MB
				j.proven, j.ready = nil, nil
				j.unmade = map[int]bool{}
				for i := range plan.Chunks {
					j.unmade[i] = true
				}
			}
		}
	})
}

// plan makes and publishes the plan, if the source is still what was taken in. ours is false when
// another master's plan was first.
func (m *Master) plan(ctx context.Context, j *job) (p *pipeline.Plan, ours bool, err error) {
	if changed, err := m.changed(ctx, j, false); err != nil || changed {
		if changed {
			_, err = m.decide(j, changedDecision)
		}
		return nil, false, err
	}
	if j.Settings.Encoder == "" {
		_, err := m.decide(j, earlierDecision)
		return nil, false, err
	}
	if p, err = m.Stages.Plan(ctx, j.Job, j.scan); err != nil {
		return nil, false, err
	}
	m.Log.Info("planned", "job", j.ID, "name", pipeline.RawName(j.Name()).String(), "frames", p.Frames, "chunks", len(p.Chunks), "profile", j.Settings.Profile)
	ours, err = p.Publish(m.FS)
	return p, ours, err
}
