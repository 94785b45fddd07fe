package master

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// ready is a merge that has been prepared.
type ready struct {
	nonce    string // of its output
	prepared any
}

// startPrepare does what the merge needs of the source while the last chunks are encoded. If that fails, the
// merge does it, and says why it can't.
func (m *Master) startPrepare(j *job) {
	r := &ready{nonce: pipeline.Nonce(12)}
	if !m.tasks.start("prepare/"+j.ID, 1, func(ctx context.Context) func() {
		p, err := m.Stages.Prepare(ctx, j.Job, j.plan, pipeline.JobOut(j.ID, r.nonce))
		if err != nil {
			m.Log.Debug("a merge can't be prepared", "job", j.ID, "error", err)
		}
		return func() { r.prepared = p }
	}) {
		return
	}
	j.ready = r
}

// mergeTries is how often a merge may fail for no reason that is known to pass before the job fails.
const mergeTries = 3

// merge merges the accepted results (T11) and decides for the output (T12). known is a copy of what the job has
// proven, and r nil where nothing was prepared.
func (m *Master) merge(ctx context.Context, j *job, chunks []pipeline.ChunkFile, known proven, r *ready) func() {
	if r == nil {
		r = &ready{nonce: pipeline.Nonce(12)}
	}
	records, err := m.prove(ctx, j.plan, chunks, known)
	used := err == nil
	if used {
		err = m.mergeAndDecide(ctx, j, j.plan, chunks, records, r)
	}
	return func() {
		j.proven = known
		if used {
			j.ready = nil // with its names
		}
		var bad *pipeline.BadChunk
		switch {
		case err == nil:
			j.errors = 0
		case ctx.Err() != nil:
		case errors.As(err, &bad):
			m.Log.Warn("an accepted result went bad", "chunk", chunks[bad.Index].ID(), "error", err)
			j.bad = append(j.bad, badResult{chunks[bad.Index], err})
		case !lastingError(err):
			m.later(j, "cannot merge now", err)
		default:
			m.later(j, "cannot merge", err)
			if j.errors++; j.errors >= mergeTries || hopeless(err) {
				m.startDecide(j, pipeline.Decision{Act: pipeline.ActFailed, Reason: "Merging failed: " + err.Error()})
			}
		}
	}
}

// lastingError tells errors that trying again would not mend from those of a machine or a share in trouble. What a
// child met of the operating system's errors may be the source's own fault; what we met is not.
func lastingError(err error) bool {
	_, child := errors.AsType[childError](err)
	return !sharefs.Trouble(err) && (child || !sharefs.System(err))
}

// hopeless tells what would go beyond a child's limits again: a merge that takes as much as that is not tried three times.
func hopeless(err error) bool {
	child, ok := errors.AsType[childError](err)
	return ok && child.Lasting()
}

// prove returns the results' records, and checks the results that another master has accepted.
func (m *Master) prove(ctx context.Context, plan *pipeline.Plan, chunks []pipeline.ChunkFile, known proven) ([]pipeline.Record, error) {
	records, unknown := make([]pipeline.Record, len(chunks)), 0
	for _, c := range chunks {
		if known[c.Stem()] == nil {
			unknown++
		}
	}
	for i, c := range chunks {
		r, err := known[c.Stem()], error(nil)
		if r == nil {
			if r, err = pipeline.LoadRecord(m.FS, c); err == nil {
				err = m.Stages.Check(ctx, plan, c, r, unknown > manyResults)
			}
		}
		switch {
		case err == nil:
			records[i], known[c.Stem()] = *r, r
		case ctx.Err() != nil || sharefs.Trouble(err) || passing(err) && !errors.Is(err, fs.ErrNotExist):
			return nil, err
		default:
			return nil, &pipeline.BadChunk{Index: i, Reason: err.Error()}
		}
	}
	return records, nil
}

func (m *Master) mergeAndDecide(ctx context.Context, j *job, plan *pipeline.Plan, chunks []pipeline.ChunkFile, records []pipeline.Record, r *ready) error {
	started := time.Now()
	out := pipeline.JobOut(j.ID, r.nonce)
	merged, err := m.Stages.Merge(ctx, j.Job, plan, chunks, records, out, r.prepared)
	if serr := m.sweepFolder(pipeline.WorkOf(out)); serr != nil {
		m.Log.Debug("cannot remove a merge's intermediate files, the sweep will", "job", j.ID, "error", serr)
	}
	if err == nil {
		merged.Report += companionsReport(m.beside(j.Job))
		err = errors.Join(m.FS.Create(out+".json", merged.Certificate), m.FS.Create(out+".txt", []byte(merged.Report)))
	}
	if err != nil { // no decision names them yet
		return errors.Join(err, m.FS.Remove(out), m.FS.Remove(out+".json"), m.FS.Remove(out+".txt"))
	}
	m.Log.Info("merged and verified", "job", j.ID, "chunks", len(chunks), "seconds", int(time.Since(started).Seconds()))
	if changed, err := m.changed(ctx, j, false); err != nil || changed {
		if changed {
			_, err = m.decide(j, changedDecision)
		}
		return err
	}
	_, err = m.decide(j, pipeline.Decision{Act: pipeline.ActPublish, Out: r.nonce, CRC32: merged.CRC32})
	return err
}

// companionsReport tells what follows the film into the outbox.
func companionsReport(names []string) string {
	if len(names) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nwhat lay beside it and follows it into the outbox\n")
	for _, n := range names {
		fmt.Fprintln(&b, pipeline.RawName(n))
	}
	return b.String()
}
