package master

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

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
