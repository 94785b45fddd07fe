package master

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// preparation is a merge whose part that needs the source alone is done, or was tried.
type preparation struct {
	nonce    string // of its output
	prepared any
	ahead    bool // its output is written, or that was tried
}

// awaits reports whether all is there that the output can be written of.
func (p *preparation) awaits() bool { return p != nil && p.prepared != nil && !p.ahead }

// startPrepare does what the merge needs of the source while the last chunks are encoded. If that fails, the
// merge does it, and its error counts.
func (t *term) startPrepare(j *job) {
	p := &preparation{nonce: pipeline.Nonce(12)}
	if background(t, "prepare", j, func(ctx context.Context, w *jobTask) any {
		prepared, err := w.Stages.Prepare(ctx, w.job, w.plan, pipeline.JobOut(w.job.ID, p.nonce))
		if err != nil {
			w.Log.Debug("a merge can't be prepared", "job", w.job.ID, "error", err)
		}
		return prepared
	}, func(prepared any) { p.prepared = prepared }) {
		j.merging.prepared = p
	}
}

// startAhead writes the output while the last results are still looked at. Nothing is decided by it: the merge begins
// when all are accepted, and takes what was written only if it is of the same results.
func (t *term) startAhead(j *job, chunks []pipeline.ChunkFile) {
	p := j.merging.prepared
	p.ahead = background(t, "ahead", j, func(ctx context.Context, w *jobTask) error {
		return w.Stages.Ahead(ctx, w.job, w.plan, chunks, pipeline.JobOut(w.job.ID, p.nonce), p.prepared)
	}, func(err error) {
		if err != nil {
			t.Log.Debug("an output can't be written ahead of its merge", "job", j.ID, "error", err)
		}
	})
}

// mergeResult is what came of a merge.
type mergeResult struct {
	err      error
	verified verifiedRecords // with what was checked for it
	used     bool            // the prepared names are used up
}

// startMerge merges the accepted results, with a copy of what is known of them.
func (t *term) startMerge(j *job, chunks []pipeline.ChunkFile) {
	verified, p := maps.Clone(j.results.verified), preparation{nonce: pipeline.Nonce(12)}
	if j.merging.prepared != nil {
		p = *j.merging.prepared
	}
	background(t, "merge", j, func(ctx context.Context, w *jobTask) mergeResult {
		return w.merge(ctx, chunks, verified, p)
	}, func(r mergeResult) { t.afterMerge(j, chunks, r) })
}

// merge merges the accepted results (T11) and decides for the output (T12).
func (w *jobTask) merge(
	ctx context.Context, chunks []pipeline.ChunkFile, verified verifiedRecords, p preparation,
) mergeResult {
	records, err := w.prove(ctx, chunks, verified)
	if err != nil {
		return mergeResult{err: err, verified: verified}
	}
	return mergeResult{err: w.mergeAndDecide(ctx, chunks, records, p), verified: verified, used: true}
}

func (t *term) afterMerge(j *job, chunks []pipeline.ChunkFile, r mergeResult) {
	j.results.verified = r.verified
	if r.used {
		j.merging.prepared = nil
	}
	bad, isBad := errors.AsType[*pipeline.BadChunk](r.err)
	switch {
	case r.err == nil:
		j.merging.failures = 0
	case isBad:
		t.wentBad(j, chunks[bad.Index], r.err)
	case !lastingError(r.err):
		t.later(j, "cannot merge now", r.err)
	default:
		t.later(j, "cannot merge", r.err)
		if j.merging.failures++; j.merging.failures >= mergeTries || hopeless(r.err) {
			t.startDecide(j, pipeline.Decision{Act: pipeline.ActFailed, Reason: "Merging failed: " + r.err.Error()})
		}
	}
}

// mergeTries is how often a merge may fail for no reason that is known to pass before the job fails.
const mergeTries = 3

// lastingError reports whether trying again would not mend an error, as it may those of a machine or a share in
// trouble. What a child met of the operating system's errors may be the source's own fault; what we met is not.
func lastingError(err error) bool {
	_, child := errors.AsType[childError](err)
	return !sharefs.Trouble(err) && (child || !sharefs.System(err))
}

// hopeless reports whether a merge would go beyond a child's limits again: one that takes as much as that is not tried
// three times.
func hopeless(err error) bool {
	child, ok := errors.AsType[childError](err)
	return ok && child.Lasting()
}

// prove returns the results' records, and checks the results that another master has accepted: those that verified
// has not yet.
func (w *jobTask) prove(
	ctx context.Context, chunks []pipeline.ChunkFile, verified verifiedRecords,
) ([]pipeline.Record, error) {
	records, unknown := make([]pipeline.Record, len(chunks)), 0
	for _, c := range chunks {
		if verified[c.Stem()] == nil {
			unknown++
		}
	}
	for i, c := range chunks {
		r, err := verified[c.Stem()], error(nil)
		if r == nil {
			if r, err = pipeline.LoadRecordOf(w.FS, w.plan, c); err == nil {
				err = w.Stages.Check(ctx, w.plan, c, r, unknown > manyResults)
			}
		}
		switch {
		case err == nil:
			records[i], verified[c.Stem()] = *r, r
		case ctx.Err() != nil || unread(err):
			return nil, err
		default:
			return nil, &pipeline.BadChunk{Index: i, Reason: err.Error()}
		}
	}
	return records, nil
}

func (w *jobTask) mergeAndDecide(
	ctx context.Context, chunks []pipeline.ChunkFile, records []pipeline.Record, p preparation,
) error {
	started := time.Now()
	out := pipeline.JobOut(w.job.ID, p.nonce)
	merged, err := w.Stages.Merge(ctx, w.job, w.plan, chunks, records, out, p.prepared)
	if serr := w.sweepFolder(pipeline.WorkOf(out)); serr != nil {
		w.Log.Debug("cannot remove a merge's intermediate files, the sweep will", "job", w.job.ID, "error", serr)
	}
	again, hopeless := false, ""
	if err == nil {
		again, hopeless, err = w.misses(records, merged.Size)
	}
	if again { // what has to be encoded anew is on the share
		return w.FS.Remove(out)
	}
	if err == nil && hopeless != "" {
		return errors.Join(w.FS.Remove(out), w.decide(pipeline.Decision{Act: pipeline.ActFailed, Reason: hopeless}))
	}
	if err == nil {
		err = w.writeTexts(out, merged)
	}
	if err != nil {
		return errors.Join(err, w.discard(out))
	}
	w.Log.Info("merged and verified",
		"job", w.job.ID, "chunks", len(chunks), "seconds", int(time.Since(started).Seconds()))
	if tooLarge(w.plan, merged.Size) {
		return w.skipMerged(ctx, records, merged.Size)
	}
	if ok, err := w.unchanged(ctx); !ok {
		return err
	}
	return w.decide(pipeline.Decision{Act: pipeline.ActPublish, Out: p.nonce, CRC32: merged.CRC32,
		Notes: merged.Notes})
}

// What follows an output's name in those of its texts.
const certificateExt, reportExt = ".json", ".txt"

// writeTexts writes certificate and report beside an output that is about to be decided for.
func (w *jobTask) writeTexts(out string, m *Merged) error {
	report := m.Report + companionsReport(w.beside())
	return errors.Join(w.FS.Create(out+certificateExt, m.Certificate), w.FS.Create(out+reportExt, []byte(report)))
}

// discard removes an output that no decision names, and its texts.
func (w *jobTask) discard(out string) error {
	return errors.Join(w.FS.Remove(out), w.FS.Remove(out+certificateExt), w.FS.Remove(out+reportExt))
}

// companionsReport lists what follows the film into the outbox.
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
