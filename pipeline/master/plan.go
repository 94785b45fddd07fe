package master

import (
	"context"
	"errors"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// maxUnsplit is the number of planned jobs that may have chunks still to be made. A plan can bring a normalised
// copy of its source with it, so no more of them are made than are needed soon.
const maxUnsplit = 2

// mayPlan reports whether another job may be planned now.
func (t *term) mayPlan() bool {
	unsplit := 0
	for _, j := range t.jobs.live {
		if len(j.chunks.unmade) > 0 {
			unsplit++
		}
	}
	return unsplit < maxUnsplit && t.pending < maxAhead && t.full == ""
}

// planResult is what came of planning a job.
type planResult struct {
	plan *pipeline.Plan
	ours bool // else another master's plan was first, or the job is decided
	err  error
}

// startPlan plans the job (T2).
func (t *term) startPlan(j *job) {
	scan := j.scan
	if !t.mayPlan() {
		j.scan = Scan{} // it may be 20 MB; the source is scanned again when its turn comes
		return
	}
	background(t, "plan", j, func(ctx context.Context, w *jobTask) planResult { return w.makePlan(ctx, scan) },
		func(r planResult) { t.afterPlan(j, r) })
}

func (t *term) afterPlan(j *job, r planResult) {
	refused, is := errors.AsType[*pipeline.Refusal](r.err)
	switch {
	case is:
		t.startDecide(j, pipeline.Decision{Act: pipeline.ActFailed, Reason: refused.Reason})
	case r.err != nil:
		t.later(j, "cannot plan", r.err)
	case !r.ours:
		j.plan = nil // it is read: another one may be there than this master made once
	default:
		j.follow(r.plan, true)
	}
}

// makePlan makes and publishes the plan, if the source is still what was taken in.
func (w *jobTask) makePlan(ctx context.Context, scan Scan) (r planResult) {
	if ok, err := w.unchanged(ctx); !ok {
		return planResult{err: err}
	}
	w.bringSettings(ctx)
	if w.job.Settings.Encoder == "" {
		return planResult{err: w.decide(earlierDecision)}
	}
	if r.plan, r.err = w.Stages.Plan(ctx, w.job, scan); r.err != nil {
		return r
	}
	r.plan.Pace = crewPace(pipeline.Crew(w.FS), r.plan)
	w.Log.Info("planned", "job", w.job.ID, "name", pipeline.RawName(w.job.Name()).String(),
		"frames", r.plan.Frames, "chunks", len(r.plan.Chunks), "profile", w.job.Settings.Profile)
	r.ours, r.err = r.plan.Publish(w.FS)
	return r
}

// crewPace is how fast those nodes that can encode a plan would do it, by what they have shown before.
func crewPace(crew []pipeline.SeenNode, p *pipeline.Plan) (pace pipeline.Pace) {
	sum, known := 0.0, 0.0
	for _, n := range crew {
		if !n.Encodes(p.Build, p.Demand()) {
			continue
		}
		pace.Slots += n.Slots
		if fps := status.Pace(&n.Node, p); fps > 0 {
			sum, known = sum+fps*float64(n.Slots), known+float64(n.Slots)
			if pace.Slowest == 0 || fps < pace.Slowest {
				pace.Slowest = fps
			}
		}
	}
	if known > 0 {
		pace.Mean = max(sum/known, pace.Slowest) // as rounding has it
	}
	return pace
}
