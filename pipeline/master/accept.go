package master

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/distenc/distenc/lease/sharefs"
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
	quiet := m.observer.Quiet()
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

// startAccept checks a job's committed results (T10), all that are there by one listing. Of a chunk that is
// accepted already nothing more is needed: it was encoded twice, and the other result was first.
func (m *Master) startAccept(j *job, state []pipeline.ChunkFile) {
	var todo []pipeline.ChunkFile
	for _, c := range state {
		if c.State != pipeline.Committed || j.isBad(c) {
			continue
		}
		if p := j.unseen[c.Stem()]; p != nil && time.Since(p.last) < m.Poll {
			continue // a look that ends wakes the main loop: without this, it would look all the time
		}
		todo = append(todo, c)
	}
	if len(todo) == 0 {
		return
	}
	plan := j.plan
	m.tasks.start("accept/"+j.ID, 2, func(ctx context.Context) func() {
		verdicts := m.acceptAll(ctx, plan, todo)
		return func() {
			for i, c := range todo {
				m.judge(j, c, verdicts[i])
			}
		}
	})
}

func (m *Master) acceptAll(ctx context.Context, plan *pipeline.Plan, chunks []pipeline.ChunkFile) []verdict {
	verdicts := make([]verdict, len(chunks))
	hurry := len(chunks) > manyResults
	names, err := m.FS.List(pipeline.DoneOf(plan.Job)) // opens only names just listed
	var looks errgroup.Group
	looks.SetLimit(sideBySide)
	for i := range chunks {
		looks.Go(func() error {
			verdicts[i] = verdict{doubt: true, err: cmp.Or(err, ctx.Err())}
			if verdicts[i].err == nil {
				verdicts[i] = m.accept(ctx, plan, chunks[i], names, hurry)
			}
			return nil
		})
	}
	_ = looks.Wait() // each verdict has its own error
	return verdicts
}

// manyResults is from how many waiting results of a job on the master looks at each only quickly: decoding all
// that a large farm encodes, or all of a film for a second time, would take more than one machine.
const manyResults = 16

// verdict is what came of looking at one result.
type verdict struct {
	record *pipeline.Record // of the accepted result
	doubt  bool             // the share or this machine is in trouble: it tells nothing
	unseen bool             // not (all) visible yet through this machine's mount
	err    error            // why; nil: accepted
}

// accept reads a result through this master's own mount, so that its bytes were checked by another
// process than their writer, and moves the chunk to accepted.
func (m *Master) accept(ctx context.Context, plan *pipeline.Plan, c pipeline.ChunkFile, names []string, hurry bool) verdict {
	if !contains(names, c.Result()) || !contains(names, c.Record()) {
		return verdict{unseen: true, err: fs.ErrNotExist}
	}
	record, err := pipeline.LoadRecord(m.FS, c)
	if err != nil {
		return notSeen(ctx, err)
	}
	if err := m.Stages.Check(ctx, plan, c, record, hurry); err != nil {
		if passing(err) || sharefs.Undecided(err) {
			return notSeen(ctx, err)
		}
		return verdict{doubt: ctx.Err() != nil, err: err}
	}
	if out, err := m.FS.Move(ctx, c.Path(), c.In(pipeline.Accepted).Path()); out != sharefs.Won {
		return notSeen(ctx, err)
	}
	m.Log.Info("accepted", "chunk", c.ID(), "node", c.Node, "frames", record.Frames, "fps", int(record.FPS()))
	if m.Took != nil {
		m.Took("encode", time.Duration(record.Seconds*float64(time.Second)))
	}
	return verdict{record: record}
}

// notSeen is the verdict on a result of which an error of the operating system kept something out of sight.
func notSeen(ctx context.Context, err error) verdict {
	return verdict{doubt: ctx.Err() != nil || sharefs.Trouble(err), unseen: true, err: err}
}

// passing tells errors of the share from errors of the result.
func passing(err error) bool {
	var p *fs.PathError
	return errors.As(err, &p)
}

// judge draws the consequences. A result that can't be seen is unknown until the expiry time has
// passed: listings and attributes are late by up to a minute on network shares.
func (m *Master) judge(j *job, c pipeline.ChunkFile, v verdict) {
	if v.err == nil {
		delete(j.unseen, c.Stem())
		if j.proven == nil {
			j.proven = proven{}
		}
		j.proven[c.Stem()] = v.record
		return
	}
	waited := waitFor(&j.unseen, c.Stem()).seen(m.gap())
	if v.doubt || v.unseen && waited < max(m.Terms.Expiry, m.missingFor()) {
		return
	}
	delete(j.unseen, c.Stem())
	m.Log.Warn("a result is bad", "chunk", c.ID(), "attempt", c.Attempt, "node", c.Node, "error", v.err)
	j.bad = append(j.bad, badResult{c, v.err})
}
