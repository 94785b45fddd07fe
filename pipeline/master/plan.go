package master

import (
	"context"
	"errors"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// turn is a job's wait for its plan.
type turn struct {
	waits  bool
	looked time.Time // when its folder was last listed
}

// queued is what one round has seen of the jobs around the stage that plans.
type queued struct {
	unsplit lane  // planned ones with chunks still to be made
	kept    int64 // bytes of the scans that wait for their plans
}

// mayPlan reports whether another job may be planned now: a plan can bring a normalised copy of its source with it,
// so no more of them are made than are needed soon. Small films that are yet to be cut keep only small ones waiting.
func (t *term) mayPlan(j *job) bool {
	l := laneOf("plan", j.Job)
	uncut := t.queued.unsplit.all < 2*l.all && (l.large == 0 || t.queued.unsplit.large < l.large)
	return uncut && t.pending < maxAhead && t.full == "" && t.tasks.room("plan", l)
}

// countUnsplit counts the planned jobs that have chunks still to be made.
func (l *ledger) countUnsplit() (n lane) {
	for _, j := range l.live {
		if len(j.chunks.unmade) == 0 {
			continue
		}
		if n.all++; j.Size > smallFile {
			n.large++
		}
	}
	return n
}

// maxKept limits the bytes of what was read of sources and waits for their plans. One film's may take 20 MB; what is
// not kept is read again when its turn comes.
const maxKept = 32 << 20

// queue lets a job wait for its turn to be planned. It is told of each that waits, in the order of their turns.
func (t *term) queue(j *job) {
	j.turn.waits = true
	if t.queued.kept += j.scan.Size; t.queued.kept > maxKept {
		j.scan = Scan{}
	}
}

// waits reports whether a job that waits for its turn need not be looked at now: what people ask of it is seen soon
// enough, and there may be thousands of them.
func (t *term) waits(j *job) bool {
	return j.turn.waits && !t.mayPlan(j) && time.Since(j.turn.looked) < t.pace.Poll
}

// planResult is what came of planning a job.
type planResult struct {
	plan *pipeline.Plan
	ours bool // else another master's plan was first, or the job is decided
	err  error
}

// startPlan plans the job (T2).
func (t *term) startPlan(j *job) {
	if !t.tasks.busy("plan/"+j.ID) && !t.mayPlan(j) {
		t.queue(j)
		return
	}
	scan := j.scan
	background(t, "plan", j, func(ctx context.Context, w *jobTask) planResult { return w.makePlan(ctx, scan) },
		func(r planResult) { t.afterPlan(j, r) })
	j.scan = Scan{} // the task has it
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
