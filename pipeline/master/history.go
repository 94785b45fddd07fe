package master

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/history"
)

// errUncounted is for a job that came out and could not be added to the history.
var errUncounted = errors.New("cannot add the job to the history")

// enterHistory adds a job whose output is out to the history, once: before it is closed, so that another master does it
// where this one dies, and whatever becomes of its folder later.
func (w *jobTask) enterHistory(act pipeline.Act) error {
	e, err := history.EntryOf(w.FS, w.job, act == pipeline.ActSkipped)
	if err == nil {
		err = e.Publish(w.FS)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUncounted, err)
	}
	return nil
}

// giveUpCounting lets a job end without its entry where something else than trouble has kept that from being written
// for a while: something in the place of the history's folder, or rights. The history is for people, and stops no job.
func (t *term) giveUpCounting(j *job, err error) {
	if !errors.Is(err, errUncounted) || sharefs.Trouble(err) || j.ending.uncounted {
		return
	}
	if j.ending.unwritten.seen(t.pace.gap()) > max(t.Terms.Expiry, sharefs.StaleNames) {
		t.Log.Warn("a film will not be in the history", "job", j.ID, "error", err)
		j.ending.uncounted = true
	}
}

// foldEvery is the time between two looks at the history.
const foldEvery = 2 * time.Minute

// foldHistory folds what days that are over have added to the history, now and then, beside the main loop.
func (t *term) foldHistory() {
	if time.Since(t.folded) < foldEvery {
		return
	}
	t.folded = time.Now()
	t.tasks.start("fold/history", lane{all: 1}, func(context.Context) func() {
		if err := t.folder.Fold(t.Today()); err != nil {
			t.Log.Debug("cannot fold the history now", "error", err)
		}
		return func() {}
	})
}
