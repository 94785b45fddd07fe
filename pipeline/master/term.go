package master

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/history"
)

// term is what a master knows while it leads: built when its lead begins and dropped when that ends. Nothing in it
// can't be found again on the share. It belongs to the goroutine in lead.
type term struct {
	*Master
	tasks     *tasks
	pace      pace
	jobs      ledger
	inbox     inbox
	claims    claims
	crew      crew
	leftovers leftovers
	folder    *history.Folder
	folded    time.Time // when the history was last looked at
	agreed    bool      // what all nodes must agree on is published
	full      string    // why there is no room on the disk, "" while there is
	pending   int       // free chunks of all jobs at the last look
	queued    queued
	failed    int             // jobs that failed, and files that were rejected
	warned    map[string]bool // what was logged once
	heritage  heritage
	restless  []*pipeline.Untold // to be told when all jobs have ended; empty while none is in work
}

// newTerm begins a term. The context ends its tasks.
func newTerm(ctx context.Context, m *Master) *term {
	p := pace{Pace: m.Pace()}
	p.next = p.Poll
	return &term{
		Master: m, tasks: newTasks(ctx, m.Took), pace: p, jobs: newLedger(), inbox: newInbox(m.FS),
		claims: newClaims(m), folder: history.NewFolder(m.FS), folded: time.Now(),
		warned: map[string]bool{},
	}
}

// end ends the tasks and stops watching.
func (t *term) end() {
	t.tasks.stop()
	if err := t.claims.Close(); err != nil {
		t.Log.Debug("cannot remove the probe file", "error", err)
	}
}

// lead looks at the share again and again until ctx ends. done: UntilIdle was reached.
func (t *term) lead(ctx context.Context) (done bool, err error) {
	defer t.end()
	if err := pipeline.WriteLeftAlone(t.FS, nil); err != nil {
		t.Log.Debug("cannot clear what the last master left alone", "error", err)
	}
	for ctx.Err() == nil {
		idle, err := t.round(ctx)
		if err == nil {
			t.contact.Back()
		} else if ctx.Err() == nil {
			t.contact.Lost(err)
		}
		if idle && err == nil && t.UntilIdle {
			return true, t.verdict()
		}
		t.rest(ctx)
	}
	return false, nil
}

// round is one look at the share and what follows from it. idle: there is nothing left that a master
// or a worker could do.
func (t *term) round(ctx context.Context) (idle bool, err error) {
	t.tasks.drain()
	if now := t.Pace(); now != t.pace.Pace {
		t.agreed = t.agreed && now.Settle == t.pace.Settle
		t.pace.Pace = now
	}
	if !t.agreed {
		if err := t.agree(t.pace.Settle); err != nil {
			return false, err
		}
		t.agreed = true
	}
	survey, err := pipeline.TakeSurvey(t.FS)
	if err == nil {
		err = t.findJobs()
	}
	if err != nil {
		t.refurnish(err)
		return false, err
	}
	t.pending = survey.Count(pipeline.Pending)
	t.takeOver()
	t.expire(ctx, survey)
	t.sweepOrphans(survey)
	t.sweepDead()
	t.lookAtLate()
	t.lookBack()
	t.foldHistory()
	t.guardDisk()
	busy := 0
	t.queued = queued{unsplit: t.jobs.countUnsplit()}
	for _, j := range t.jobs.inOrder() {
		if t.step(ctx, j, survey.Job(j.ID)) {
			busy++
		}
	}
	waiting, err := t.lookAtInbox(ctx)
	if err != nil {
		t.refurnish(err)
	}
	if t.pending == 0 && survey.Count(pipeline.Claimed)+survey.Count(pipeline.Committed) > 0 {
		t.pace.within(t.pace.Poll / 5) // somebody waits for the last results of a job
	}
	t.announce(survey.Soon, waiting)
	t.Status(strings.TrimSuffix(fmt.Sprintf("%s in work, %s waiting in the inbox; %s",
		english.Plural(busy, "job", ""), english.Plural(waiting, "file", ""), t.full), "; "))
	idle = busy == 0 && waiting == 0 && t.tasks.idle()
	t.announceIdle(busy, idle && err == nil)
	return idle, err
}

// verdict is the error at the end, if any file failed, was rejected, or waits for a person.
func (t *term) verdict() error {
	if failed := t.failed + t.jobs.waiting(); failed > 0 {
		return fmt.Errorf("%w: %d of them; `distenc status` and the folder %s say why",
			ErrJobFailed, failed, t.FS.Path(pipeline.FailedDir))
	}
	return nil
}

// guardDisk finds out whether there is room, and logs when that changes.
func (t *term) guardDisk() {
	had := t.full == ""
	t.full = t.Full()
	switch {
	case had && t.full != "":
		t.Log.Warn("no new file is taken and nothing is cut until there is room", "reason", t.full)
	case !had && t.full == "":
		t.Log.Info("there is room again")
	}
}

// pace is how soon the share is looked at again.
type pace struct {
	Pace
	next time.Duration // the longest wait until the next look
}

// within lets the next look come no later than after d.
func (p *pace) within(d time.Duration) { p.next = min(p.next, d) }

// gap is the longest usual time between two looks at one thing.
func (p *pace) gap() time.Duration { return 3*p.Poll + 2*errRest }

// together is how long a look waits for what comes in bursts: moves into a folder, chunks accepted.
func (p *pace) together() time.Duration { return cmp.Or(p.Together, max(burst, p.Poll/10)) }

// burst is the shortest time between two looks at a share that others use.
const burst = 50 * time.Millisecond

// rest waits until the next look: the poll interval, the time at which a file will have settled, a
// wake, or a task that has ended.
func (t *term) rest(ctx context.Context) {
	timer := time.NewTimer(t.pace.next)
	defer timer.Stop()
	together := t.pace.together()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
		return
	case <-t.Wake:
	case apply := <-t.tasks.results:
		if apply(); t.pending == 0 { // somebody waits for the first chunks of a job, or for the last results of one
			together = min(burst, together)
		}
	}
	_ = sharefs.Sleep(ctx, together)
}

// once logs a warning the first time that it comes with this job.
func (t *term) once(msg, job string, err error) {
	if !t.warned[msg+job] {
		t.warned[msg+job] = true
		t.Log.Warn(msg, "job", job, "error", err)
	}
}
