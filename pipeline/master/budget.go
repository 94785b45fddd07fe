package master

import (
	"context"
	"fmt"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// loadCorrections reads how the budget of a film was corrected, where a listing of its folder has more than is known.
func (t *term) loadCorrections(j *job, dir pipeline.Folder) bool {
	if !j.plan.Budget.Known() || len(j.corrections) >= dir.Corrections() {
		return true
	}
	all, err := j.corrections.Load(t.FS, j.plan, dir)
	if err != nil {
		t.later(j, "cannot read what the film's size leaves for its chunks", err)
		return false
	}
	j.corrections = all
	return true
}

// watchBudget keeps a film to its size: it corrects the CRFs of chunks that nobody has claimed, and has others made
// anew when all are there. within: as far as is known, what is there has the right size.
func (t *term) watchBudget(j *job, state []pipeline.ChunkFile) (within bool) {
	b := j.plan.Budget
	if !b.Known() || len(b.CRFs) == 0 {
		return true
	}
	records, known := t.acceptedRecords(j, state)
	if !known {
		return false
	}
	if t.sendStale(j, state, records) || len(j.results.bad) > 0 {
		return false
	}
	took, accepted := takenSoFar(state, records)
	if accepted < len(state) {
		if c, ok := j.corrections.Correct(b, took); ok && !j.corrections.Exhausted() {
			t.startCorrection(j, c)
		}
		return true
	}
	c, ok, _ := j.corrections.Mend(b, took, j.corrections.Rest(b))
	if !ok || j.corrections.Exhausted() { // if it does not fit, that is decided by its output: records may be rotten
		return true
	}
	t.startCorrection(j, c)
	return false
}

// takenSoFar is what came of each chunk, and how many are accepted.
func takenSoFar(state []pipeline.ChunkFile, records []*pipeline.Record) (took []pipeline.Taken, accepted int) {
	took = make([]pipeline.Taken, len(state))
	for i, c := range state {
		took[i].Free = c.State == pipeline.Pending || c.State == pipeline.Nowhere
		if r := records[i]; r != nil {
			took[i].Bytes, took[i].CRF = max(1, r.Video), r.Spent.CRF
			accepted++
		}
	}
	return took, accepted
}

// sendStale sends back those results that a correction wants made anew. That is nobody's failure.
func (t *term) sendStale(j *job, state []pipeline.ChunkFile, records []*pipeline.Record) (some bool) {
	for i, c := range state {
		if records[i] == nil || !j.corrections.Stale(i, records[i].Spent.Corrections) {
			continue
		}
		some = true
		crf := j.corrections.CRF(j.plan.Budget, i)
		t.makeAnew(j, badResult{ChunkFile: c, why: fmt.Sprintf("made anew with --crf %g instead of %g: %s",
			crf, records[i].Spent.CRF, j.corrections[len(j.corrections)-1].Why)},
			"a result is made anew so that the film keeps to its size", "crf", crf)
	}
	return some
}

// startCorrection publishes a correction. The first one that is published holds, and is read by the next look.
func (t *term) startCorrection(j *job, c pipeline.Correction) {
	n := len(j.corrections) + 1
	background(t, "budget", j, func(_ context.Context, w *jobTask) error { return w.correct(c, n) },
		t.orLater(j, "cannot correct what the film's size leaves for its chunks"))
}

func (w *jobTask) correct(c pipeline.Correction, n int) error {
	c.By, c.Time = w.Node, time.Now().UTC()
	w.Log.Info("the film's budget is corrected", "job", w.job.ID, "correction", n, "again", len(c.Again), "why", c.Why)
	return c.Publish(w.FS, w.plan, n)
}

// misses corrects the budget if a merged output of size bytes missed its limit, above or far below it: what is in it
// beside the video is known only now, and its records are proven. hopeless is why it never will meet it.
func (w *jobTask) misses(records []pipeline.Record, size int64) (corrected bool, hopeless string, err error) {
	b := w.plan.Budget
	if !b.Known() {
		return false, "", nil
	}
	took, video := make([]pipeline.Taken, len(records)), int64(0)
	for i, r := range records {
		took[i] = pipeline.Taken{Bytes: r.Video, CRF: r.Spent.CRF}
		video += r.Video
	}
	rest := max(0, size-video)
	if w.plan.Settings.Size.OfVideo() {
		rest = 0
	}
	c, ok, never := w.corrections.Mend(b, took, rest)
	switch {
	case never:
		return false, fmt.Sprintf("With size = %q the film does not fit: its video takes %s with --crf %g, too.",
			w.plan.Settings.Size, pipeline.Bytes(video), b.Range.Most), nil
	case ok && w.corrections.Exhausted() && video+rest > b.Limit:
		return false, fmt.Sprintf("With size = %q the film does not fit: its video still takes %s after %d corrections. "+
			"Allow more, or make its pictures smaller with scale.", w.plan.Settings.Size, pipeline.Bytes(video),
			len(w.corrections)), nil
	case ok && !w.corrections.Exhausted():
		return true, "", w.correct(c, len(w.corrections)+1)
	}
	return false, "", nil
}
