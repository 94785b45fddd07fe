package master

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// phase is where a job stands, as the listing of its folder shows, and so what comes next. The order is that of
// docs/protocol.md's transitions.
type phase int

const (
	sourceless phase = iota // T1 is not done: the source has yet to come, or never will
	unplanned               // T2 comes next
	inWork                  // there is a plan: T3, T9, T10 and T11 (or T2 again) for its chunks, until T12
	cancelling              // T12, because a person asked for it
	decided                 // T13 comes next, or reject, or give back
	ended                   // nothing is left to do
)

// phaseOf is where a job stands.
func phaseOf(source, planned bool, dir pipeline.Folder, control pipeline.Control) phase {
	switch {
	case dir.Closed() && !source:
		return ended
	case dir.Decision(): // also where the source came after the end, by a rename that landed late
		return decided
	case control.Cancel:
		return cancelling
	case !source:
		return sourceless
	case !planned:
		return unplanned
	}
	return inWork
}

// step takes a job one step further if it can. busy: somebody, a worker perhaps, still has work on it.
func (t *term) step(ctx context.Context, j *job, chunks pipeline.JobChunks) (busy bool) {
	if t.waits(j) {
		t.queue(j)
		return true
	}
	j.turn = turn{looked: time.Now()}
	dir, err := pipeline.ListFolder(t.FS, j.ID)
	if errors.Is(err, fs.ErrNotExist) {
		t.Log.Warn("a job's folder is gone, its chunks are swept", "job", j.ID)
		t.jobs.forget(j)
		return false
	}
	if err != nil || time.Now().Before(j.rest) {
		return err != nil || !j.foreign
	}
	control, err := pipeline.ReadControl(t.FS, j.ID)
	if err != nil {
		return true
	}
	if p := control.Priority; p != nil && *p != j.Priority {
		record := *j.Job
		record.Priority, j.Job = *p, &record
	}
	source := dir.Source(j.Job)
	switch { // without its source, a job that goes on is no reason to refuse the same content
	case source:
		t.jobs.known.Store(contentOf(j.Job), j.ID)
	case !dir.Decision():
		t.jobs.known.CompareAndDelete(contentOf(j.Job), j.ID)
	}
	_, planned := dir.Latest(j.Settings)
	switch phaseOf(source, planned, dir, control) {
	case sourceless:
		t.awaitSource(j)
	case unplanned:
		if !t.tasks.busy("decide/" + j.ID) { // that it can't be planned, perhaps
			t.startPlan(j)
		}
	case inWork:
		return t.stepChunks(ctx, j, dir, chunks, control)
	case cancelling:
		t.startDecide(j, pipeline.Decision{
			Act: pipeline.ActCancelled, Reason: "Cancelled by a file in the job's control folder.",
		})
	case decided:
		t.startFinish(j)
	case ended:
		return !t.close(j, dir)
	}
	return true
}

// stepChunks goes on with a job that has a plan and no decision.
func (t *term) stepChunks(
	ctx context.Context, j *job, dir pipeline.Folder, chunks pipeline.JobChunks, control pipeline.Control,
) (busy bool) {
	if control.Retry {
		t.retry(ctx, j, chunks)
	}
	if !t.loadPlan(j, dir) {
		return !j.foreign
	}
	if !t.loadPins(j, dir) || !t.loadCorrections(j, dir) {
		return true
	}
	t.announceStart(j, dir)
	t.dropEarlier(j, chunks)
	chunks = chunks.Of(j.plan)
	state := chunks.Strongest(j.plan)
	t.startSplit(j, state, chunks)
	t.startReject(j)
	t.startAccept(j, state)
	t.setAside(ctx, j, chunks)
	t.announceAside(j, dir, chunks)
	t.dropSurplus(j, chunks, state)
	count := map[pipeline.State]int{}
	for _, c := range state {
		count[c.State]++
	}
	j.chunks.aside = count[pipeline.Failed]
	t.watchBuild(j, count, control.Paused)
	hold := t.skipOutgrowing(j, state)
	fit := t.matchHeaders(j, state) && t.keepToBuffer(j, state) && t.watchBudget(j, state)
	t.inspectSource(j)
	noneFree := count[pipeline.Claimed]+count[pipeline.Committed]+count[pipeline.Accepted] == len(state)
	j.chunks.ending = noneFree && j.plan.Analysis != ""
	switch {
	case t.tasks.busy("prepare/"+j.ID) || t.tasks.busy("ahead/"+j.ID) || len(j.results.bad) > 0 || hold || !fit:
	case j.plan.Analysis != "":
		if count[pipeline.Accepted] == len(state) {
			t.startConclude(j, state)
		}
	case count[pipeline.Accepted] == len(state):
		t.startMerge(j, state)
	case noneFree && j.merging.prepared == nil:
		t.startPrepare(j)
	case count[pipeline.Committed]+count[pipeline.Accepted] == len(state) && j.merging.prepared.awaits():
		t.startAhead(j, state)
	}
	// A job that only waits for a person keeps nobody from being idle.
	return j.chunks.aside == 0 || count[pipeline.Accepted]+j.chunks.aside < len(state)
}

// awaitSource gives up a job whose source never came: its master died before the rename (T1).
func (t *term) awaitSource(j *job) {
	if j.absent.seen(t.pace.gap()) > max(t.Terms.Expiry, sharefs.StaleNames) {
		t.startDecide(j, pipeline.Decision{
			Act: pipeline.ActCancelled, Return: true, Reason: "its source never arrived in the job's folder",
		})
	}
}

// loadPlan reads the furthest plan that a listing of the job's folder has, unless it is known.
func (t *term) loadPlan(j *job, dir pipeline.Folder) bool {
	latest, _ := dir.Latest(j.Settings)
	switch {
	case j.plan == nil || j.Settings.Precedes(j.plan.Analysis, latest):
	case j.plan.Analysis == latest:
		j.behind = persistence{}
		return true
	case j.behind.seen(t.pace.gap()) < sharefs.StaleNames:
		// An old listing, or a file server has lost the plan with its power.
		return false
	}
	p, err := pipeline.LoadPlanFor(t.FS, j.ID, latest)
	if err == nil {
		err = p.For(j.Job)
	}
	other, is := errors.AsType[*pipeline.FormatError](err)
	if j.foreign = is && !other.Earlier; is && other.Earlier {
		t.startDecide(j, earlierDecision)
		return false
	}
	if err != nil {
		t.later(j, "cannot read the plan", err)
		return false
	}
	j.follow(p, false)
	return true
}
