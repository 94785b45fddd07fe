package master

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// finishResult is what came of carrying out a decision.
type finishResult struct {
	act pipeline.Act
	err error
}

// startFinish carries out a job's decision (T13), whoever made it. Every step may have been done before.
func (t *term) startFinish(j *job) {
	j.ending.begun = true
	lost := j.ending.lost
	background(t, "finish", j, func(ctx context.Context, w *jobTask) finishResult {
		act, err := w.carryOut(ctx, lost)
		return finishResult{act, err}
	}, func(r finishResult) {
		if r.err == nil {
			if r.act == pipeline.ActFailed {
				t.failed++
			}
			return
		}
		if errors.Is(r.err, errOutputGone) && j.ending.gone.seen(t.pace.gap()) > max(t.Terms.Expiry, sharefs.StaleNames) {
			j.ending.lost = true // no stale listing lasts that long
		}
		t.giveUpCounting(j, r.err)
		t.giveUpNaming(j, r.err)
		t.later(j, "cannot finish", r.err)
	})
}

// carryOut does what was decided, and closes the job. lost: the decided output will not come back.
func (w *jobTask) carryOut(ctx context.Context, lost bool) (act pipeline.Act, err error) {
	d, err := pipeline.LoadDecision(w.FS, w.job.ID)
	if err != nil {
		return "", err
	}
	// A decision that a power loss of the file server undid would let another one be made.
	if err := w.FS.Durable(pipeline.JobFile(w.job.ID, pipeline.DecisionName)); err != nil {
		return d.Act, err
	}
	if lost {
		d.Act, d.Reason = pipeline.ActFailed, "The finished output was removed before it could be published."
	}
	dir, err := pipeline.ListFolder(w.FS, w.job.ID)
	if err != nil {
		return d.Act, err
	}
	closed := pipeline.Closed{Act: d.Act, Reason: d.Reason}
	switch {
	case d.Act.Publishes():
		if closed.Source, err = w.publish(ctx, d, dir); errors.Is(err, errChanged) {
			closed.Act, closed.Reason = changedDecision.Act, changedDecision.Reason
			closed.Source, err = w.giveBack(ctx, &changedDecision)
		}
	case !dir.Source(w.job): // it never came, or has been put away
	case d.Return:
		closed.Source, err = w.giveBack(ctx, d)
	default:
		closed.Source, err = w.rejectJob(ctx, d)
	}
	if err == nil {
		err = w.sweep(w.job.ID)
	}
	if err == nil && closed.Act.Publishes() && !w.uncounted {
		err = w.enterHistory(closed.Act)
	}
	if err != nil {
		return d.Act, err
	}
	untold := w.noteEnd(w.job.ID, closed.Act) // nobody looks at a closed job for that
	if err := status.Close(w.FS, w.job.ID, closed); err != nil {
		return d.Act, err
	}
	w.tell(untold)
	return d.Act, nil
}

// publish gives the decided output its name in the outbox and puts the source away, by a listing of the job's folder.
func (w *jobTask) publish(
	ctx context.Context, d *pipeline.Decision, dir pipeline.Folder,
) (source pipeline.RawName, err error) {
	out := pipeline.JobOut(w.job.ID, d.Out)
	for _, text := range [][2]string{
		{certificateExt, pipeline.CertificateName}, {reportExt, pipeline.ReportName},
	} {
		_, err := w.FS.Publish(out+text[0], pipeline.JobFile(w.job.ID, text[1]))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // swept by another master that went on before us
			return "", err
		}
	}
	if dir.Published() { // one that a power loss undid, of an output whose other name is swept, would be missed
		err = w.FS.Durable(pipeline.JobFile(w.job.ID, pipeline.PublishedName))
	} else {
		err = w.publishOutput(ctx, d, out)
	}
	if err != nil {
		return "", err
	}
	if !dir.Source(w.job) {
		return "", nil
	}
	if d.Act == pipeline.ActSkipped {
		return w.putAwaySkipped(ctx)
	}
	return w.putAway(ctx)
}

// errChanged is for a source that was to be published in place of an output, and is not what was taken in any more.
var errChanged = errors.New("the source that was to be published has changed")

// errOutputGone is for an output that was decided for and is not there any more.
var errOutputGone = errors.New("the output that was to be published is gone")

// publishOutput gives the output its name and writes down which.
func (w *jobTask) publishOutput(ctx context.Context, d *pipeline.Decision, out string) error {
	st, err := w.FS.Stat(out)
	if errors.Is(err, fs.ErrNotExist) {
		return errOutputGone
	}
	if err != nil {
		return err
	}
	j := w.job
	folder := path.Join(pipeline.Outbox, path.Dir(string(j.Inbox)))
	if err := w.FS.MkdirAll(folder); err != nil {
		return err
	}
	want, err := w.wantedName(d)
	if err != nil {
		return err
	}
	name, err := w.outputName(ctx, folder, want, out, d.Act)
	if err != nil {
		return err
	}
	w.bring(ctx, name)
	w.Log.Info("published", "job", j.ID, "output", pipeline.RawName(name).String(), "crc32", d.CRC32)
	return pipeline.Published{
		Output: pipeline.RawName(path.Join(path.Dir(string(j.Inbox)), path.Base(name))),
		CRC32:  d.CRC32, Size: st.Size(), Time: time.Now().UTC(),
	}.Publish(w.FS, j.ID)
}

// wantedName is the name that the output has where it is free.
func (w *jobTask) wantedName(d *pipeline.Decision) (string, error) {
	if d.Act == pipeline.ActSkipped {
		return w.job.Name(), nil
	}
	if !w.job.Settings.Name.NeedsPlan() {
		return w.job.OutputName(nil, d.CRC32), nil
	}
	if w.unnamed {
		return pipeline.OutputName(w.job.Name(), w.job.Settings.Container, d.CRC32), nil
	}
	p, err := pipeline.LoadPlan(w.FS, w.job.ID)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errUnnamed, err)
	}
	return w.job.OutputName(p, d.CRC32), nil
}

// errUnnamed is for an output whose name depends on a plan that can't be read.
var errUnnamed = errors.New("cannot tell the output's name without the job's plan")

// giveUpNaming lets an output have its source's name where the plan has been gone or damaged for a while: a finished
// film waits for no plan that will not come back.
func (t *term) giveUpNaming(j *job, err error) {
	format, other := errors.AsType[*pipeline.FormatError](err)
	waits := sharefs.Trouble(err) || errors.Is(err, fs.ErrPermission) || other && !format.Earlier // that version can tell
	if !errors.Is(err, errUnnamed) || waits || j.ending.unnamed {
		return
	}
	if j.ending.planless.seen(t.pace.gap()) > max(t.Terms.Expiry, sharefs.StaleNames) {
		t.Log.Warn("an output gets its source's name, not the one that was asked for", "job", j.ID, "error", err)
		j.ending.unnamed = true
	}
}

// outputName links the output into the outbox under the first name that is free. An output with two
// links may have been published before, by one who died before writing it down: its name is looked up.
// If it is not there, the other link is a backup's, or a person was quicker than we: published twice is
// better than not at all.
func (w *jobTask) outputName(
	ctx context.Context, folder, want, out string, act pipeline.Act,
) (name string, err error) {
	name, err = w.FS.OtherName(out, folder, pipeline.AsNumbered(want))
	if name == "" && err == nil && act == pipeline.ActSkipped {
		var changed bool
		switch changed, err = w.changed(ctx, false); {
		case changed:
			err = errChanged
		case errors.Is(err, fs.ErrNotExist): // a person took it; its other name is there
			err = nil
		}
	}
	if name == "" && err == nil {
		err = pipeline.FirstFree(ctx, func(n int) (bool, error) {
			name = path.Join(folder, pipeline.Numbered(want, n))
			return w.FS.Publish(out, name)
		})
	}
	if err != nil {
		return "", err
	}
	if act == pipeline.ActSkipped { // it is the source, which may be another user's
		return name, w.FS.DurableForeign(name)
	}
	return name, w.FS.Durable(name)
}
