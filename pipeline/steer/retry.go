package steer

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// Retry frees the chunks of a job that were set aside. The source of a job that has failed or was cancelled goes back
// to where it was in the inbox, with its own settings, as does a film that was refused.
func (d Desk) Retry(ctx context.Context, word string) (Outcome, error) {
	t, err := d.find(ctx, word, d.canRetry)
	if err != nil {
		return Outcome{}, err
	}
	switch j := t.Job; {
	case j == nil:
		source, inbox, err := pipeline.FailedSource(d.Share, t.refused)
		if err != nil {
			return Outcome{}, err
		}
		return d.backToInbox(ctx, t, source, inbox)
	case j.State.HasOutput():
		return Outcome{}, Refuse(NotNow,
			"job %s (%s) is %s; `distenc add --again` encodes its source once more", j.ID, t.Name, j.State)
	case j.Decided:
		return d.retryWhole(ctx, t)
	case j.Chunks.Failed == 0:
		return Outcome{}, Refuse(NotNow, "job %s (%s) has no chunk that was set aside", j.ID, t.Name)
	}
	if err := pipeline.Ask(d.Share, t.Job.ID, pipeline.ControlRetry, ""); err != nil {
		return Outcome{}, err
	}
	d.note(t, "retry")
	return t.outcome(TriedAgain), nil
}

// retryWhole gives the source of a job that has failed or was cancelled back.
func (d Desk) retryWhole(ctx context.Context, t Target) (Outcome, error) {
	job, err := pipeline.LoadJob(d.Share, t.Job.ID)
	if err != nil {
		return Outcome{}, err
	}
	closed, err := pipeline.LoadClosed(d.Share, t.Job.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return Outcome{}, Refuse(Busy, "%s is just being put away; try again in a moment (a master must be running)", t.Name)
	}
	if err == nil && closed.Source != "" {
		_, err = d.Share.Stat(string(closed.Source))
	}
	if err != nil || closed.Source == "" {
		lost := Refuse(NotNow, "the source of %s is not where it was put; look for it in %s",
			t.Name, d.Share.Path(pipeline.FailedDir))
		return Outcome{}, errors.Join(lost, err)
	}
	if err := d.keepWishes(string(closed.Source), t.Job.Asked); err != nil {
		return Outcome{}, err
	}
	return d.backToInbox(ctx, t, string(closed.Source), job.Inbox)
}

// keepWishes writes what people asked of a job into the settings beside its source, which may say otherwise: they were
// written before it was a job.
func (d Desk) keepWishes(source string, asked pipeline.Asked) error {
	_, err := d.Share.Stat(pipeline.SidecarBeside(source))
	if errors.Is(err, fs.ErrNotExist) && !asked.Paused && asked.Priority == 0 {
		return nil
	}
	return d.amend(source, Wishes{Paused: &asked.Paused, Priority: &asked.Priority})
}

// backToInbox is not interrupted once it has begun.
func (d Desk) backToInbox(ctx context.Context, t Target, source string, inbox pipeline.RawName) (Outcome, error) {
	name, err := BackToInbox(context.WithoutCancel(ctx), d.Share, source, inbox)
	if err != nil {
		return Outcome{}, err
	}
	o := t.outcome(InInbox)
	o.Name, o.Path = shown(path.Base(string(inbox))), name
	return o, nil
}

// BackToInbox gives a source that was put away its place in the inbox again, under a free name and with its
// own settings, and returns that name. What failed/ said of it is removed.
func BackToInbox(ctx context.Context, f *sharefs.FS, source string, inbox pipeline.RawName) (string, error) {
	dir, base := path.Join(pipeline.Inbox, path.Dir(string(inbox))), path.Base(string(inbox))
	name, err := pipeline.GiveBack(ctx, f, source, pipeline.SidecarBeside(source), dir, base)
	if err != nil {
		return "", err
	}
	if was := path.Dir(source); path.Dir(was) == pipeline.FailedDir {
		_ = pipeline.Tidy(f, was) // whatever else a person has put there stays
	}
	return name, nil
}
