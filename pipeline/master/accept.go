package master

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// due returns the committed results that are to be looked at. One that could not be seen is not looked at again
// before the next regular look: a task that ends wakes the main loop, which would look all the time.
func (r *results) due(state []pipeline.ChunkFile, poll time.Duration) []pipeline.ChunkFile {
	return slices.DeleteFunc(slices.Clone(state), func(c pipeline.ChunkFile) bool {
		p := r.unseen[c.Stem()]
		return c.State != pipeline.Committed || r.isBad(c) || p != nil && time.Since(p.last) < poll
	})
}

// startAccept checks a job's committed results (T10), all that are there by one listing. Of a chunk that is
// accepted already nothing more is needed: it was encoded twice, and the other result was first.
func (t *term) startAccept(j *job, state []pipeline.ChunkFile) {
	due := j.results.due(state, t.pace.Poll)
	if len(due) == 0 {
		return
	}
	undone := map[string]bool{} // they were accepted before, and are listed as if they had not been
	for _, c := range due {
		undone[c.Stem()] = j.results.verified[c.Stem()] != nil
	}
	background(t, "accept", j, func(ctx context.Context, w *jobTask) []verdict { return w.acceptAll(ctx, due, undone) },
		func(verdicts []verdict) {
			for i, c := range due {
				t.judge(j, c, verdicts[i])
			}
		})
}

func (w *jobTask) acceptAll(ctx context.Context, chunks []pipeline.ChunkFile, undone map[string]bool) []verdict {
	verdicts := make([]verdict, len(chunks))
	quick := len(chunks) > manyResults
	names, err := w.FS.List(pipeline.DoneOf(w.job.ID)) // opens only names just listed
	var looks errgroup.Group
	looks.SetLimit(sideBySide)
	for i := range chunks {
		looks.Go(func() error {
			verdicts[i] = verdict{doubt: true, err: cmp.Or(err, ctx.Err())}
			if verdicts[i].err == nil {
				verdicts[i] = w.accept(ctx, chunks[i], names, quick || w.own(chunks[i]))
				if verdicts[i].err == nil {
					verdicts[i] = w.moveAccepted(ctx, chunks[i], verdicts[i].record, undone[chunks[i].Stem()])
				}
			}
			return nil
		})
	}
	_ = looks.Wait() // each verdict has its own error
	return verdicts
}

// manyResults is the number of waiting results of a job from which on the master looks at each only quickly: decoding
// all that a large farm encodes, or all of a film for a second time, would take more than one machine.
const manyResults = 16

// own reports whether a result comes from a worker in this process.
func (m *Master) own(c pipeline.ChunkFile) bool { return m.Worker != "" && c.Node == m.Worker }

// verdict is what came of looking at one result.
type verdict struct {
	record *pipeline.Record // of the accepted result
	doubt  bool             // the share or this machine is in trouble, which says nothing about the result
	unseen bool             // not (all) visible yet through this machine's mount
	err    error            // why it is not accepted; nil: it is
}

// isBad reports whether the result must be encoded again, after it could not be judged for some time. A result that
// can't be seen is unknown for the limit: listings and attributes are late by up to a minute on network shares.
func (v verdict) isBad(waited, limit time.Duration) bool {
	return v.err != nil && !v.doubt && (!v.unseen || waited >= limit)
}

// notSeen is the verdict on a result of which an error of the operating system kept something out of sight.
func notSeen(err error) verdict { return verdict{doubt: sharefs.Trouble(err), unseen: true, err: err} }

// accept reads a result through this master's own mount, so that its bytes were checked by another
// process than their writer.
func (w *jobTask) accept(ctx context.Context, c pipeline.ChunkFile, names []string, quick bool) verdict {
	if !contains(names, c.Result()) || !contains(names, c.Record()) {
		return verdict{unseen: true, err: fs.ErrNotExist}
	}
	record, err := pipeline.LoadRecordOf(w.FS, w.plan, c)
	if err != nil {
		return notSeen(err)
	}
	if !w.pins.Admit(record.Build) { // its pin may only be out of sight
		return verdict{unseen: true, err: fmt.Errorf("it was encoded with %s, and the film is not", record.Build)}
	}
	if err := w.Stages.Check(ctx, w.plan, c, record, quick); err != nil {
		if passing(err) || sharefs.Undecided(err) {
			return notSeen(err)
		}
		return verdict{err: err}
	}
	return verdict{record: record}
}

// moveAccepted moves a chunk to accepted. The next listing shows whether that was done.
func (w *jobTask) moveAccepted(
	ctx context.Context, c pipeline.ChunkFile, record *pipeline.Record, undone bool,
) verdict {
	move := w.FS.MoveTrusting
	if undone {
		move = w.FS.Move
	}
	if out, err := move(ctx, c.Path(), c.In(pipeline.Accepted).Path()); out != sharefs.Won {
		return notSeen(err)
	}
	w.Log.Info("accepted", "chunk", c.ID(), "node", c.Node, "frames", record.Frames, "fps", int(record.FPS()))
	w.Took(cmp.Or(string(w.plan.Analysis), "encode"), time.Duration(record.Seconds*float64(time.Second)))
	return verdict{record: record}
}

// passing reports whether an error is the share's and not the result's.
func passing(err error) bool {
	_, ok := errors.AsType[*fs.PathError](err)
	return ok
}

// unread reports whether a file could not be read now, which says nothing about it. A missing file is not such an
// error.
func unread(err error) bool {
	return sharefs.Trouble(err) || passing(err) && !errors.Is(err, fs.ErrNotExist)
}

// judge draws the consequences.
func (t *term) judge(j *job, c pipeline.ChunkFile, v verdict) {
	if v.err == nil {
		delete(j.results.unseen, c.Stem())
		j.results.verified[c.Stem()] = v.record
		return
	}
	waited := j.results.unseen.of(c.Stem()).seen(t.pace.gap())
	if !v.isBad(waited, max(t.Terms.Expiry, t.missingFor())) {
		return
	}
	delete(j.results.unseen, c.Stem())
	t.Log.Warn("a result is bad", "chunk", c.ID(), "attempt", c.Attempt, "node", c.Node, "error", v.err)
	j.results.bad = append(j.results.bad, failedResult(c, v.err))
}
