package master

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// errRest is how long a job waits after a step failed for a reason that may pass (a full disk, a share
// that does not answer), so that it neither spins nor is forgotten.
const errRest = 15 * time.Second

// step takes a job one step further if it can. busy: somebody, a worker perhaps, still has work on it.
func (m *Master) step(ctx context.Context, j *job, chunks *pipeline.JobChunks) (busy bool) {
	dir, err := pipeline.ListFolder(m.FS, j.ID)
	if errors.Is(err, fs.ErrNotExist) {
		m.Log.Warn("a job's folder is gone, its chunks are swept", "job", j.ID)
		m.forget(j)
		return false
	}
	if err != nil || time.Now().Before(j.rest) {
		return true
	}
	control, err := pipeline.ReadControl(m.FS, j.ID)
	if err != nil {
		return true
	}
	if control.Priority != nil {
		j.Priority = *control.Priority
	}
	switch { // without its source, a job that goes on is no reason to refuse the same content
	case dir.Source(j.Job):
		m.known.add(contentOf(j.Job), j.ID)
	case !dir.Decision():
		m.known.drop(contentOf(j.Job), j.ID)
	}
	switch {
	case dir.Closed() && !dir.Source(j.Job):
		if !m.closedForGood(j) {
			return true
		}
		m.close(j, dir)
		return false
	case dir.Decision(): // also where the source came after the end, by a rename that landed late
		j.finished = true
		m.tasks.start("finish/"+j.ID, 2, func(ctx context.Context) func() { return m.finish(ctx, j) })
	case control.Cancel:
		m.startDecide(j, pipeline.Decision{Act: pipeline.ActCancelled, Reason: "Cancelled by a file in the job's control folder."})
	case !dir.Source(j.Job):
		m.sourceAbsent(j)
	case !dir.Plan():
		m.startPlan(j)
	default:
		if control.Retry {
			m.retry(ctx, j, chunks)
		}
		return m.stepPlanned(ctx, j, chunks)
	}
	return true
}

// stepPlanned goes on with a job that has a plan and no decision.
func (m *Master) stepPlanned(ctx context.Context, j *job, chunks *pipeline.JobChunks) (busy bool) {
	if !m.loadPlan(j) {
		return true
	}
	state := chunks.Strongest(len(j.plan.Chunks))
	m.startSplit(j, state, chunks)
	m.startReject(j)
	m.startAccept(j, state)
	m.setAside(ctx, j, chunks)
	m.tellAside(j, chunks)
	m.dropSurplus(j, chunks, state)
	count := map[pipeline.State]int{}
	for _, c := range state {
		count[c.State]++
	}
	j.aside = count[pipeline.Failed]
	if j.aside > 0 && time.Since(j.looked) > staleNames {
		j.looked = time.Now()
		m.startChanged(j)
	}
	switch {
	case m.tasks.busy("prepare/"+j.ID) || len(j.bad) > 0:
	case count[pipeline.Accepted] == len(state):
		r, known := j.ready, proven{}
		maps.Copy(known, j.proven)
		m.tasks.start("merge/"+j.ID, 1, func(ctx context.Context) func() { return m.merge(ctx, j, state, known, r) })
	case j.ready == nil && count[pipeline.Claimed]+count[pipeline.Committed]+count[pipeline.Accepted] == len(state):
		m.startPrepare(j)
	}
	// A job that only waits for a person keeps nobody from being idle.
	return j.aside == 0 || count[pipeline.Accepted]+j.aside < len(state)
}

// sourceAbsent gives up a job whose source never came: its master died before the rename (T1).
func (m *Master) sourceAbsent(j *job) {
	if j.absent.seen(m.gap()) > max(m.Terms.Expiry, staleNames) {
		m.startDecide(j, pipeline.Decision{Act: pipeline.ActCancelled, Return: true, Reason: "its source never arrived in the job's folder"})
	}
}

// staleNames is how long a client was seen to deny or to show a name after another one changed it.
const staleNames = 60 * time.Second

func (m *Master) loadPlan(j *job) bool {
	if j.plan != nil {
		return true
	}
	p, err := pipeline.LoadPlan(m.FS, j.ID)
	if other, is := errors.AsType[*pipeline.FormatError](err); is && other.Earlier {
		m.startDecide(j, earlierDecision)
		return false
	}
	if err != nil {
		m.later(j, "cannot read the plan", err)
		return false
	}
	j.plan = p
	return true
}

// later notes an error that may pass and lets the job rest.
func (m *Master) later(j *job, what string, err error) {
	m.Log.Warn(what, "job", j.ID, "name", pipeline.RawName(j.Name()).String(), "error", err)
	j.rest = time.Now().Add(errRest)
}
