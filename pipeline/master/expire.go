package master

import (
	"context"
	"slices"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/pipeline"
)

// claims watches the heartbeats of those who hold chunks.
type claims struct {
	*lease.Observer
	looked time.Time
}

func newClaims(m *Master) claims {
	return claims{Observer: lease.NewObserver(m.FS, pipeline.Leases, pipeline.ProbeDir+"/"+m.Node, m.Terms, m.Lease...)}
}

// expire gives the chunks of silent workers to others (T9). It looks no more often than every half
// heartbeat, however often a task that has ended wakes the main loop.
func (t *term) expire(ctx context.Context, survey *pipeline.Survey) {
	if time.Since(t.claims.looked) < t.Terms.Heartbeat/2 {
		return
	}
	t.claims.looked = time.Now()
	claimed := map[string]pipeline.ChunkFile{}
	var stems []string
	for _, id := range survey.Jobs() {
		for _, c := range survey.Job(id).In(pipeline.Claimed) {
			claimed[c.Stem()] = c
			stems = append(stems, c.Stem())
		}
	}
	silent, err := t.claims.Scan(ctx, stems)
	if err != nil {
		if _, away := t.FS.List(pipeline.Leases); away != nil { // the share went in the middle of a round
			t.contact.Lost(away)
		} else {
			t.Log.Warn("heartbeats can't be read", "error", err)
		}
	}
	for _, stem := range silent {
		c := claimed[stem]
		t.Log.Warn("a worker went silent, its chunk is given to another",
			"chunk", c.ID(), "attempt", c.Attempt, "node", c.Node)
		_ = t.report(badResult{ChunkFile: c, weight: pipeline.WeightExpired, why: "the worker's heartbeat stopped"})
		t.again(ctx, c)
	}
	if err == nil && t.full == "" {
		t.copySuspects(ctx, survey, claimed, silent)
	}
	if _, err := t.claims.Sweep(ctx, func(stem string) bool { return claimed[stem].Job != "" }); err != nil {
		t.Log.Debug("cannot sweep leases", "error", err)
	}
}

// copySuspects frees a second copy of each chunk whose holder has been silent for a while, long before its claim is
// over: else the chunk of a node that died would be begun again when the others are nearly done. The first result
// that is accepted counts, whoever it comes from, and one copy of a chunk is enough.
func (t *term) copySuspects(
	ctx context.Context, survey *pipeline.Survey, claimed map[string]pipeline.ChunkFile, expired []string,
) {
	suspects := t.claims.Suspects()
	if shareIsLate(len(suspects), len(claimed)) {
		return
	}
	for _, stem := range suspects {
		c := claimed[stem]
		j := t.jobs.live[c.Job]
		if slices.Contains(expired, stem) || j == nil || !j.wantsCopy(c, survey.Job(c.Job).Copies(c)) {
			continue
		}
		j.chunks.copied[stem] = true
		t.Log.Info("a worker is silent, a second copy of its chunk is free for others",
			"chunk", c.ID(), "attempt", c.Attempt, "node", c.Node)
		if err := t.free(ctx, j.plan, toFree(j.plan, c.Chunk, c.Attempt, pipeline.KindRange), ""); err != nil {
			t.later(j, "cannot free a second copy", err)
		}
	}
}

// wantsCopy reports whether a second copy of a suspect's chunk is to be freed: once for each claim, and only where
// the claim is the only file of the chunk.
func (j *job) wantsCopy(c pipeline.ChunkFile, files int) bool {
	return j.plan != nil && j.plan.Has(c) && !j.ending.begun && !j.chunks.copied[c.Stem()] && files == 1
}

// shareIsLate reports whether so many holders are suspects that it is the share that shows heartbeats late, or the way
// to it, and no fault of theirs.
func shareIsLate(suspects, claims int) bool { return suspects > fewSuspects && 4*suspects > claims }

// fewSuspects is the number of holders that may be silent at once by their own fault, whatever part of all they are.
const fewSuspects = 2
