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
		m.Log.Warn("cannot tell whether a chunk failed too often, it is encoded again", "chunk", c.ID(), "error", err)
	}
	if out == sharefs.Won {
		return out
	}
	return m.requeue(ctx, c)
}

// weigh sets a chunk aside if it failed too often: Won. Where an error keeps that from being told it stays.
func (m *Master) weigh(ctx context.Context, c pipeline.ChunkFile) (sharefs.Outcome, error) {
	out, why, err := poison.SetAside(ctx, m.FS, c, m.Attempts, m.Terms.Expiry)
	if out == sharefs.Won {
		m.Log.Error("a chunk failed too often and was set aside; `distenc retry` tries it again", "chunk", c.ID(), "reason", why)
	}
	return out, err
}

// requeue moves a chunk to its next attempt. That somebody else moved it is as good.
func (m *Master) requeue(ctx context.Context, c pipeline.ChunkFile) sharefs.Outcome {
	out, err := m.FS.Move(ctx, c.Path(), c.AsPending(c.Attempt+1).Path())
	if out != sharefs.Won {
		m.Log.Info("a chunk was moved by somebody else, or will be tried again", "chunk", c.ID(), "outcome", out, "error", err)
	}
	return out
}

// report writes one failure of a chunk's attempt into the job's log folder.
func (m *Master) report(c pipeline.ChunkFile, weight float64, reason, log string) {
	err := pipeline.Failure{By: m.Node, Weight: weight, Reason: reason, Log: log}.Report(m.FS, c)
	if err != nil {
		m.Log.Warn("cannot write a failure's report", "chunk", c.ID(), "error", err)
	}
}

// badResult is a committed or accepted result that must not be merged, and why.
type badResult struct {
	pipeline.ChunkFile
	why error
}

func (j *job) isBad(c pipeline.ChunkFile) bool {
	return slices.ContainsFunc(j.bad, func(b badResult) bool { return b.Stem() == c.Stem() })
}

// startReject sends all results back that were found to be bad. Until that is done they are not looked at again.
func (m *Master) startReject(j *job) {
	if len(j.bad) == 0 {
		return
	}
	bad := slices.Clone(j.bad)
	m.tasks.start("reject/"+j.ID, 2, func(ctx context.Context) func() {
		gone := map[string]bool{}
		for _, b := range bad {
			m.report(b.ChunkFile, pipeline.WeightFailed, "the result is bad: "+b.why.Error(), "")
			out := m.again(ctx, b.ChunkFile)
			gone[b.Stem()] = out == sharefs.Won || out == sharefs.Lost
		}
		return func() {
			j.bad = slices.DeleteFunc(j.bad, func(b badResult) bool { return gone[b.Stem()] })
		}
	})
}

// setAside weighs the free chunks that somebody freed who could not weigh them.
func (m *Master) setAside(ctx context.Context, j *job, chunks *pipeline.JobChunks) {
	if j.judged == nil {
		j.judged = map[int]int{}
	}
	for _, c := range chunks.In(pipeline.Pending) {
		if c.Attempt <= m.Attempts || j.judged[c.Chunk] >= c.Attempt {
			continue // it can't have failed often enough, or was weighed already
		}
		if _, err := m.weigh(ctx, c); err != nil {
			m.later(j, "cannot set a chunk aside", err)
			continue
		}
		j.judged[c.Chunk] = c.Attempt
	}
}

// retry frees the chunks that were set aside, because a person asked for it.
func (m *Master) retry(ctx context.Context, j *job, chunks *pipeline.JobChunks) {
	for _, c := range chunks.In(pipeline.Failed) {
		if err := (pipeline.Failure{By: m.Node, Retry: true, Reason: "tried again on request"}).Report(m.FS, c); err != nil {
			m.later(j, "cannot retry", err)
			return
		}
		delete(j.judged, c.Chunk)
		if out := m.requeue(ctx, c); out != sharefs.Won && out != sharefs.Lost {
			return // the request stands until all are free
		}
	}
	if err := pipeline.Withdraw(m.FS, j.ID, pipeline.ControlRetry); err != nil {
		m.later(j, "cannot retry", err)
	}
}
