package steer

import (
	"context"
	"fmt"
	"strconv"

	"github.com/distenc/distenc/pipeline"
)

// Pause lets no more chunks of a job be claimed; with now, what is encoded is handed back too. A film in the inbox
// becomes a paused job.
func (d Desk) Pause(ctx context.Context, word string, now bool) (Outcome, error) {
	what := "pause"
	if now {
		what = "pause now"
	}
	return d.wish(ctx, word, what, Paused, Wishes{Paused: new(true)}, func(job string) error {
		if now {
			return pipeline.Ask(d.Share, job, pipeline.ControlPauseNow, "")
		}
		return pipeline.Ask(d.Share, job, pipeline.ControlPause, "")
	})
}

// Resume takes a pause back. Resuming what is not paused changes nothing.
func (d Desk) Resume(ctx context.Context, word string) (Outcome, error) {
	return d.wish(ctx, word, "resume", GoesOn, Wishes{Paused: new(false)}, func(job string) error {
		return pipeline.Withdraw(d.Share, job, pipeline.ControlPause, pipeline.ControlPauseNow)
	})
}

// Prioritise puts a job before those with a lower number. What is encoded is finished.
func (d Desk) Prioritise(ctx context.Context, word string, n int) (Outcome, error) {
	if n < -pipeline.MaxPriority || n > pipeline.MaxPriority {
		return Outcome{}, Refuse(Wrong, "a priority must be from %d to %d, is %d",
			-pipeline.MaxPriority, pipeline.MaxPriority, n)
	}
	o, err := d.wish(ctx, word, fmt.Sprint("priority ", n), Prioritised, Wishes{Priority: &n}, func(job string) error {
		return pipeline.Ask(d.Share, job, pipeline.ControlPriority, strconv.Itoa(n)+"\n")
	})
	if err == nil {
		o.Priority = n
	}
	return o, err
}

// wish asks something of a job that goes on, or writes the same into the settings beside a film that waits.
func (d Desk) wish(
	ctx context.Context, word, what string, s State, w Wishes, ask func(job string) error,
) (Outcome, error) {
	t, err := d.findLive(ctx, word)
	if err != nil {
		return Outcome{}, err
	}
	if t.waiting != "" {
		err = d.amendWaiting(t.waiting, w)
	} else {
		err = ask(t.Job.ID)
	}
	if err != nil {
		return Outcome{}, err
	}
	d.note(t, what)
	return t.outcome(s), nil
}
