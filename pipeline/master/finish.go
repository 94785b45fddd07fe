package master

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
)

// ready is a merge that has been prepared.
type ready struct {
	nonce    string // of its output
	prepared *merge.Prepared
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
		var bad *merge.BadChunk
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
	_, child := errors.AsType[*media.ExitError](err)
	return !sharefs.Trouble(err) && (child || !sharefs.System(err))
}

// hopeless tells what would go beyond a child's limits again: a merge that takes as much as that is not tried three times.
func hopeless(err error) bool {
	limit, ok := errors.AsType[*media.LimitError](err)
	return ok && limit.Lasting()
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
			return nil, &merge.BadChunk{Index: i, Reason: err.Error()}
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

// finish carries out a job's decision (T13), whoever made it. Every step may have been done before.
func (m *Master) finish(ctx context.Context, j *job) func() {
	act, err := m.carryOut(ctx, j)
	if err == nil {
		m.tellEnd(j.ID)
	}
	return func() {
		if err == nil && act == pipeline.ActFailed {
			m.failed++
		}
		if errors.Is(err, errOutputGone) && j.gone.seen(m.gap()) > max(m.Terms.Expiry, staleNames) {
			j.lost = true // no stale listing lasts that long
		}
		if err != nil && ctx.Err() == nil {
			m.later(j, "cannot finish", err)
		}
	}
}

func (m *Master) carryOut(ctx context.Context, j *job) (act pipeline.Act, err error) {
	d, err := pipeline.LoadDecision(m.FS, j.ID)
	if err != nil {
		return "", err
	}
	// A decision that a power loss of the file server undid would let another one be made.
	if err := m.FS.Durable(pipeline.JobFile(j.ID, "decision")); err != nil {
		return d.Act, err
	}
	if j.lost {
		d.Act, d.Reason = pipeline.ActFailed, "The finished output was removed before it could be published."
	}
	closed := pipeline.Closed{Act: d.Act, Reason: d.Reason}
	switch {
	case d.Act == pipeline.ActPublish:
		closed.Source, err = m.publish(ctx, j, d)
	case d.Return:
		closed.Source, err = m.giveBack(ctx, j.Job, d)
	default:
		closed.Source, err = m.rejectJob(ctx, j.Job, d)
	}
	if err == nil {
		err = m.sweep(j.ID)
	}
	if err != nil {
		return d.Act, err
	}
	return d.Act, closed.Publish(m.FS, j.ID)
}

// publish gives the decided output its name in the outbox and puts the source away.
func (m *Master) publish(ctx context.Context, j *job, d *pipeline.Decision) (source pipeline.RawName, err error) {
	out := pipeline.JobOut(j.ID, d.Out)
	for _, text := range [][2]string{{".json", pipeline.CertificateName}, {".txt", pipeline.ReportName}} {
		if _, err := m.FS.Publish(out+text[0], pipeline.JobFile(j.ID, text[1])); err != nil {
			if !errors.Is(err, fs.ErrNotExist) { // swept by another master that went on before us
				return "", err
			}
		}
	}
	dir, err := pipeline.LookInto(m.FS, j.ID)
	if err != nil {
		return "", err
	}
	if !dir.Published() {
		if err := m.publishOutput(ctx, j.Job, d, out); err != nil {
			return "", err
		}
	}
	return m.putAway(ctx, j)
}

// errOutputGone is for an output that was decided for and is not there any more.
var errOutputGone = errors.New("the output that was to be published is gone")

// publishOutput gives the output its name and writes down which.
func (m *Master) publishOutput(ctx context.Context, j *pipeline.Job, d *pipeline.Decision, out string) error {
	st, err := m.FS.Stat(out)
	if errors.Is(err, fs.ErrNotExist) {
		return errOutputGone
	}
	if err != nil {
		return err
	}
	folder := path.Join(pipeline.Outbox, path.Dir(string(j.Inbox)))
	if err := m.FS.MkdirAll(folder); err != nil {
		return err
	}
	name, err := m.outputName(ctx, folder, pipeline.OutputName(j.Name(), j.Settings.Container, d.CRC32), out)
	if err != nil {
		return err
	}
	m.bring(ctx, j, name)
	b, err := json.MarshalIndent(pipeline.Published{
		Output: pipeline.RawName(path.Join(path.Dir(string(j.Inbox)), path.Base(name))), CRC32: d.CRC32, Size: st.Size(), Time: time.Now().UTC(),
	}, "", "  ")
	if err != nil {
		return err
	}
	m.Log.Info("published", "job", j.ID, "output", pipeline.RawName(name).String(), "crc32", d.CRC32)
	return m.writeOnce(pipeline.JobFile(j.ID, pipeline.PublishedName), append(b, '\n'))
}

// outputName links the output into the outbox under the first name that is free. An output with two
// links may have been published before, by one who died before writing it down: its name is looked up.
// If it is not there, the other link is a backup's, or a person was quicker than we: published twice is
// better than not at all.
func (m *Master) outputName(ctx context.Context, folder, want, out string) (string, error) {
	name, err := m.FS.OtherName(out, folder, pipeline.AsNumbered(want))
	if name == "" && err == nil {
		err = pipeline.FirstFree(ctx, func(n int) (bool, error) {
			name = path.Join(folder, pipeline.Numbered(want, n))
			return m.FS.Publish(out, name)
		})
	}
	if err != nil {
		return "", err
	}
	return name, m.FS.Durable(name)
}

// writeOnce writes a text that is whole wherever it is seen; one that is there already stays.
func (m *Master) writeOnce(name string, data []byte) error {
	_, _, err := m.FS.PublishData(name, data)
	return err
}
