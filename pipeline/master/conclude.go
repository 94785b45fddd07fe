package master

import (
	"context"
	"errors"
	"maps"

	"github.com/distenc/distenc/pipeline"
)

// concludeResult is what came of making the plan that follows an analysis.
type concludeResult struct {
	planResult
	verified verifiedRecords // with what was checked for it
}

// startConclude makes the next plan of a job from the accepted results of an analysis (T2).
func (t *term) startConclude(j *job, state []pipeline.ChunkFile) {
	verified := maps.Clone(j.results.verified)
	background(t, "conclude", j, func(ctx context.Context, w *jobTask) concludeResult {
		return concludeResult{w.conclude(ctx, state, verified), verified}
	}, func(r concludeResult) {
		j.results.verified = r.verified
		if bad, is := errors.AsType[*pipeline.BadChunk](r.err); is {
			t.wentBad(j, state[bad.Index], r.err)
			return
		}
		t.afterPlan(j, r.planResult)
	})
}

// conclude makes and publishes the plan, if the source is still what was taken in. Whoever publishes first has chosen
// the results: nobody makes it again from others.
func (w *jobTask) conclude(
	ctx context.Context, state []pipeline.ChunkFile, verified verifiedRecords,
) (r planResult) {
	records, err := w.prove(ctx, state, verified)
	if err != nil {
		return planResult{err: err}
	}
	if r.plan, r.err = w.Stages.Conclude(ctx, w.job, w.plan, state, records); r.err != nil {
		return r
	}
	if ok, err := w.unchanged(ctx); !ok {
		return planResult{err: err}
	}
	r.plan.Pace = crewPace(pipeline.Crew(w.FS), r.plan)
	if r.ours, r.err = r.plan.Publish(w.FS); r.ours {
		w.Log.Info("analysed", "job", w.job.ID, "name", pipeline.RawName(w.job.Name()).String(),
			"what", string(w.plan.Analysis), "chunks", len(w.plan.Chunks))
	}
	return r
}
