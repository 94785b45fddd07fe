package master

import (
	"context"
	"slices"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// expire gives the chunks of silent workers to others (T9). It looks no more often than every half
// heartbeat, however often a task that has ended wakes the main loop.
func (m *Master) expire(ctx context.Context, survey *pipeline.Survey) {
	if time.Since(m.watched) < m.Terms.Heartbeat/2 {
		return
	}
	m.watched = time.Now()
	claims := map[string]pipeline.ChunkFile{}
	var stems []string
	for _, id := range survey.Jobs() {
		for _, c := range survey.Job(id).In(pipeline.Claimed) {
			claims[c.Stem()] = c
			stems = append(stems, c.Stem())
		}
	}
	silent, err := m.observer.Scan(ctx, stems)
	if err != nil {
		m.Log.Warn("heartbeats can't be read", "error", err)
	}
	for _, stem := range silent {
		c := claims[stem]
		m.Log.Warn("a worker went silent, its chunk is given to another", "chunk", c.ID(), "attempt", c.Attempt, "node", c.Node)
		m.report(c, pipeline.WeightExpired, "the worker's heartbeat stopped", "")
		m.again(ctx, c)
	}
	if err == nil {
		m.copyQuiet(ctx, survey, claims, silent)
	}
	m.sweepLeases(ctx, claims)
}

// copyQuiet frees a second copy of each chunk whose holder has been silent for a while, long before its claim is
// over: else the chunk of a node that died would be begun again when the others are nearly done. The first result
// that is accepted counts, whoever it comes from, and one copy of a chunk is enough.
func (m *Master) copyQuiet(ctx context.Context, survey *pipeline.Survey, claims map[string]pipeline.ChunkFile, over []string) {
	quiet := m.observer.Suspects()
	if len(quiet) > fewQuiet && 4*len(quiet) > len(claims) {
		return // it is the share that is slow to show heartbeats, or the way to it
	}
	for _, stem := range quiet {
		c := claims[stem]
		j := m.jobs[c.Job]
		if slices.Contains(over, stem) || j == nil || j.plan == nil || j.finished || j.copied[stem] || m.full != "" || survey.Job(c.Job).Copies(c.Chunk) != 1 {
			continue
		}
		if j.copied == nil {
			j.copied = map[string]bool{}
		}
		j.copied[stem] = true
		m.Log.Info("a worker is silent, a second copy of its chunk is free for others", "chunk", c.ID(), "attempt", c.Attempt, "node", c.Node)
		if err := m.free(ctx, j.plan, toFree(j.plan, c.Chunk, c.Attempt, pipeline.KindRange), ""); err != nil {
			m.later(j, "cannot free a second copy", err)
		}
	}
}

// fewQuiet is how many claims may be silent at once, whatever part of all they are, to be taken for their holders' fault.
const fewQuiet = 2

// sweepLeases removes the leases whose claim is gone and whose holder is silent.
func (m *Master) sweepLeases(ctx context.Context, claims map[string]pipeline.ChunkFile) {
	keep := func(stem string) bool { return claims[stem].Job != "" }
	if _, err := m.observer.Sweep(ctx, keep); err != nil {
		m.Log.Debug("cannot sweep leases", "error", err)
	}
}
