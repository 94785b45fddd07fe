package master

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// skipOutgrowing ends a job whose output will surely be larger than it may be. hold: nothing is merged yet, because the
// job is skipped or that can't be told.
func (t *term) skipOutgrowing(j *job, state []pipeline.ChunkFile) (hold bool) {
	if j.plan.Limit() == 0 {
		return false
	}
	if size := j.plan.LeastSize(); tooLarge(j.plan, size) {
		why := fmt.Sprintf("with size = %q the output would have at least %s", j.plan.Settings.Size, beyond(j.plan, size))
		background(t, "skip", j, func(ctx context.Context, w *jobTask) error {
			return w.skip(ctx, make([]*pipeline.Record, len(w.plan.Chunks)), why)
		}, t.orLater(j, "cannot skip"))
		return true
	}
	if j.plan.Analysis != "" {
		return false
	}
	if len(j.results.bad) > 0 { // they are sent back first
		return true
	}
	records, known := t.acceptedRecords(j, state)
	if why := outgrows(j.plan, records); why == "" {
		return !known
	}
	var done []pipeline.ChunkFile
	for i, c := range state {
		if records[i] != nil {
			done = append(done, c)
		}
	}
	verified := maps.Clone(j.results.verified)
	background(t, "skip", j, func(ctx context.Context, w *jobTask) error {
		return w.skipOutgrown(ctx, done, verified)
	}, func(err error) {
		maps.Copy(j.results.verified, verified)
		if bad, is := errors.AsType[*pipeline.BadChunk](err); is {
			t.wentBad(j, done[bad.Index], err)
			return
		}
		t.orLater(j, "cannot skip")(err)
	})
	return true
}

// outgrows says why the output will surely be larger than it may be, by the records of the chunks that are encoded;
// empty if that is not sure.
func outgrows(p *pipeline.Plan, records []*pipeline.Record) (why string) {
	done, n := make([]int64, len(records)), 0
	for i, r := range records {
		if r != nil {
			done[i] = r.Video
			n++
		}
	}
	outgrows, least := p.Outgrows(done)
	if !outgrows {
		return ""
	}
	return fmt.Sprintf("%d of its %d chunks are encoded, and the output would have at least %s", n, len(records),
		beyond(p, least))
}

// skipOutgrown skips a job whose output will surely be too large, if the records of the chunks that are encoded say so
// of what is really there: another master may have accepted them, and what lies on the share may be rotten.
func (w *jobTask) skipOutgrown(ctx context.Context, done []pipeline.ChunkFile, verified verifiedRecords) error {
	proven, err := w.prove(ctx, done, verified)
	if bad, is := errors.AsType[*pipeline.BadChunk](err); is {
		if _, gone := w.FS.Stat(done[bad.Index].Path()); errors.Is(gone, fs.ErrNotExist) { // it was sent back meanwhile
			return nil
		}
	}
	if err != nil {
		return err
	}
	records := make([]*pipeline.Record, len(w.plan.Chunks))
	for i, c := range done {
		records[c.Chunk] = &proven[i]
	}
	if why := outgrows(w.plan, records); why != "" {
		return w.skip(ctx, records, why)
	}
	return nil
}

// beyond compares a size with its source and names max_size, for a person.
func beyond(p *pipeline.Plan, size int64) string {
	return fmt.Sprintf("%.1f%% of its source's bytes; max_size is %s", 100*float64(size)/float64(p.SourceSize),
		p.Settings.MaxSize)
}

// tooLarge reports whether an output of this size exceeds max_size.
func tooLarge(p *pipeline.Plan, size int64) bool { return p.Limit() > 0 && size > p.Limit() }

// skipMerged skips a job whose output is there, and too large.
func (w *jobTask) skipMerged(ctx context.Context, records []pipeline.Record, size int64) error {
	all := make([]*pipeline.Record, len(records))
	for i := range records {
		all[i] = &records[i]
	}
	return w.skip(ctx, all, "the output has "+beyond(w.plan, size))
}

// skip decides for the source itself in place of an output (T12): it is made ready under an output's name before, so
// that whoever carries the decision out publishes it like one. records are those of the chunks that are encoded.
func (w *jobTask) skip(ctx context.Context, records []*pipeline.Record, why string) error {
	if ok, err := w.unchanged(ctx); !ok {
		return err
	}
	nonce := pipeline.Nonce(12)
	out := pipeline.JobOut(w.job.ID, nonce)
	if err := w.offerSource(ctx, out); err != nil {
		return errors.Join(err, w.FS.Remove(out))
	}
	texts, err := w.Stages.Skip(w.job, w.plan, records, why)
	if err == nil {
		err = w.writeTexts(out, texts)
	}
	if err != nil {
		return errors.Join(err, w.discard(out))
	}
	return w.decide(pipeline.Decision{Act: pipeline.ActSkipped, Out: nonce, CRC32: w.job.CRC32, Reason: why})
}

// offerSource gives the source another name, durably. Another user's file, which may not be linked
// (protected_hardlinks, proc(5)), is copied, and the copy read once more.
func (w *jobTask) offerSource(ctx context.Context, out string) error {
	source := pipeline.JobFile(w.job.ID, w.job.Source)
	_, err := w.FS.Publish(source, out)
	if err == nil {
		return w.FS.DurableForeign(out)
	}
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	in, err := w.FS.OpenRead(source)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if _, err := w.FS.CreateFrom(ctx, out, in); err != nil {
		return err
	}
	crc, err := w.checksum(ctx, out)
	if err == nil && crc != w.job.CRC32 {
		err = fmt.Errorf("a copy of the source has the CRC-32 %s instead of %s", crc, w.job.CRC32)
	}
	if err == nil && w.job.Settings.Dates {
		w.keepDate(out, w.job.ModTime)
	}
	return errors.Join(err, w.FS.Durable(out))
}

// keepDate gives a copy the date of what it is a copy of. That a file system refuses it is a line in the log.
func (w *jobTask) keepDate(copied string, date time.Time) {
	if err := w.FS.SetDate(copied, date); err != nil {
		w.Log.Warn("a copy does not have its original's date", "job", w.job.ID, "error", err)
	}
}
