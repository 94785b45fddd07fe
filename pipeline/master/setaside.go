package master

import (
	"context"
	"slices"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/poison"
)

// again sends a chunk whose failure was reported back to be encoded again, or sets it aside where its failures weigh
// enough. It is weighed here, where it is freed: a free worker claims it before the next look would see it.
func (m *Master) again(ctx context.Context, c pipeline.ChunkFile) sharefs.Outcome {
	out, err := m.weigh(ctx, c)
	if err != nil {
		m.Log.Warn("it can't be known whether a chunk failed too often, it is encoded again", "chunk", c.ID(), "error", err)
	}
	if out == sharefs.Won {
		return out
	}
	return m.requeue(ctx, c)
}

// weigh sets a chunk aside if it failed too often: Won. After an error it stays.
func (m *Master) weigh(ctx context.Context, c pipeline.ChunkFile) (sharefs.Outcome, error) {
	out, why, err := poison.SetAside(ctx, m.FS, c, m.Attempts, m.Terms.Expiry)
	if out == sharefs.Won {
		m.Log.Error("a chunk failed too often and was set aside; `distenc retry` tries it again",
			"chunk", c.ID(), "reason", why)
	}
	return out, err
}

// requeue moves a chunk to its next attempt. That somebody else moved it is as good.
func (m *Master) requeue(ctx context.Context, c pipeline.ChunkFile) sharefs.Outcome {
	out, err := m.FS.Move(ctx, c.Path(), c.AsPending(c.Attempt+1).Path())
	if out != sharefs.Won {
		m.Log.Info("a chunk was moved by somebody else, or will be tried again",
			"chunk", c.ID(), "outcome", out, "error", err)
	}
	return out
}

// report writes into the job's log folder why a chunk is encoded again.
func (m *Master) report(b badResult) error {
	f := pipeline.Failure{By: m.Node, Weight: b.weight, Reason: b.why, Allowance: b.allowance}
	err := f.Report(m.FS, b.ChunkFile)
	if err != nil {
		m.Log.Warn("cannot write a failure's report", "chunk", b.ID(), "error", err)
	}
	return err
}

// badResult is a committed or accepted result that must not be merged, and why.
type badResult struct {
	pipeline.ChunkFile
	weight    float64 // as a failure of the chunk's
	why       string
	allowance pipeline.Allowance // what the next attempt may count on; the zero one: what it had before
}

// failedResult is a result that counts as a failure of its attempt.
func failedResult(c pipeline.ChunkFile, why error) badResult {
	return badResult{ChunkFile: c, weight: pipeline.WeightFailed, why: "the result is bad: " + why.Error()}
}

// wentBad sends back an accepted result that is not what it was when it was accepted.
func (t *term) wentBad(j *job, c pipeline.ChunkFile, why error) {
	t.Log.Warn("an accepted result went bad", "chunk", c.ID(), "error", why)
	j.results.bad = append(j.results.bad, failedResult(c, why))
}

// makeAnew sends a result back that is nobody's failure, unless it is on its way back already.
func (t *term) makeAnew(j *job, b badResult, msg string, args ...any) {
	if j.results.isBad(b.ChunkFile) {
		return
	}
	t.Log.Info(msg, append([]any{"chunk", b.ID()}, args...)...)
	j.results.bad = append(j.results.bad, b)
}

func (r *results) isBad(c pipeline.ChunkFile) bool {
	return slices.ContainsFunc(r.bad, func(b badResult) bool { return b.Stem() == c.Stem() })
}

// startReject sends all results back that were found to be bad. Until that is done they are not looked at again.
func (t *term) startReject(j *job) {
	if len(j.results.bad) == 0 {
		return
	}
	bad := slices.Clone(j.results.bad)
	background(t, "reject", j, func(ctx context.Context, w *jobTask) map[string]bool {
		gone := map[string]bool{}
		for _, b := range bad {
			if w.report(b) != nil && b.allowance != (pipeline.Allowance{}) {
				continue // the next attempt would not know that it has to be another one
			}
			out := w.again(ctx, b.ChunkFile)
			gone[b.Stem()] = out == sharefs.Won || out == sharefs.Lost
		}
		return gone
	}, func(gone map[string]bool) {
		j.results.bad = slices.DeleteFunc(j.results.bad, func(b badResult) bool { return gone[b.Stem()] })
	})
}

// setAside weighs the free chunks that somebody freed who could not weigh them. A chunk is weighed once for each of
// its attempts, and not before it can have failed often enough.
func (t *term) setAside(ctx context.Context, j *job, chunks pipeline.JobChunks) {
	for _, c := range chunks.In(pipeline.Pending) {
		if c.Attempt <= max(t.Attempts, j.chunks.weighed[c.Chunk]) {
			continue
		}
		if _, err := t.weigh(ctx, c); err != nil {
			t.later(j, "cannot set a chunk aside", err)
			continue
		}
		j.chunks.weighed[c.Chunk] = c.Attempt
	}
}

// retry frees the chunks that were set aside, because a person asked for it.
func (t *term) retry(ctx context.Context, j *job, chunks pipeline.JobChunks) {
	for _, c := range chunks.In(pipeline.Failed) {
		if err := (pipeline.Failure{By: t.Node, Retry: true, Reason: "tried again on request"}).Report(t.FS, c); err != nil {
			t.later(j, "cannot retry", err)
			return
		}
		delete(j.chunks.weighed, c.Chunk)
		if out := t.requeue(ctx, c); out != sharefs.Won && out != sharefs.Lost {
			return // the request stands until all are free
		}
	}
	if err := pipeline.Withdraw(t.FS, j.ID, pipeline.ControlRetry); err != nil {
		t.later(j, "cannot retry", err)
	}
}
