package master

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"sort"
	"sync/atomic"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// job is a live job in this master's memory: nothing in it can't be found again on the share.
type job struct {
	*pipeline.Job
	aside   int  // chunks set aside
	told    bool // that it waits for a person
	scan    Scan
	sighted atomic.Pointer[identity] // the source when it was last known to be what was taken in
	plan    *pipeline.Plan
	proven  proven
	nowhere map[int]*patience    // with chunks that no listing has
	unseen  map[string]*patience // with committed chunks whose result can't be seen yet
	surplus map[string]*patience // with free copies of accepted chunks
	bad     []badResult          // found, and not yet sent back
	judged  map[int]int          // the attempt up to which a chunk's failures were weighed
	errors  int                  // merges that failed in a row
	rest    time.Time            // no step before this time
	looked  time.Time            // whether the source changed, while chunks are set aside
	absent  patience             // with a source that is not in the folder
	gone    patience             // with a decided output that is not there
	lost    bool                 // that output will not come back
	// finished tells that this master has begun to carry out the job's decision.
	finished bool
	ready    *ready          // what the merge needs of the source, once no chunk is free any more
	unmade   map[int]bool    // chunks that were never made: only the plan's own master knows
	copied   map[string]bool // silent claims, by stem, of which a second copy was freed
}

// proven are the records of the results that this master has checked, by stem: what a result must still be when
// it is merged, whatever has become of its record on the share.
type proven map[string]*pipeline.Record

func sortJobs(jobs []*job) {
	sort.Slice(jobs, func(a, b int) bool {
		x, y := jobs[a], jobs[b]
		if x.Priority != y.Priority {
			return x.Priority > y.Priority
		}
		if !x.Created.Equal(y.Created) {
			return x.Created.Before(y.Created)
		}
		return x.ID < y.ID
	})
}

// errRest is how long a job waits after a step failed for a reason that may pass (a full disk, a share
// that does not answer), so that it neither spins nor is forgotten.
const errRest = 15 * time.Second

// step takes a job one step further if it can. busy: somebody, a worker perhaps, still has work on it.
func (m *Master) step(ctx context.Context, j *job, chunks *pipeline.JobChunks) (busy bool) {
	dir, err := pipeline.LookInto(m.FS, j.ID)
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

// maxUnsplit is of how many planned jobs chunks may still have to be made. A plan can bring a normalised
// copy of its source with it, so no more of them are made than are needed soon.
const maxUnsplit = 2

// mayPlan tells whether another job may be planned now.
func (m *Master) mayPlan() bool {
	unsplit := 0
	for _, j := range m.jobs {
		if len(j.unmade) > 0 {
			unsplit++
		}
	}
	return unsplit < maxUnsplit && m.pending < maxAhead && m.full == ""
}

// startPlan plans the job (T2).
func (m *Master) startPlan(j *job) {
	if !m.mayPlan() {
		j.scan = Scan{} // it may be 20 MB; the source is scanned again when its turn comes
		return
	}
	m.tasks.start("plan/"+j.ID, 1, func(ctx context.Context) func() {
		plan, ours, err := m.plan(ctx, j)
		return func() {
			var refused *pipeline.Refusal
			switch {
			case errors.As(err, &refused):
				m.startDecide(j, pipeline.Decision{Act: pipeline.ActFailed, Reason: refused.Reason})
			case err != nil:
				m.later(j, "cannot plan", err)
			case !ours:
				j.plan = nil // it is read: another one may be there than this master made once
			case ours:
				j.plan, j.scan = plan, Scan{} // a scan may be 20 MB
				j.proven, j.ready = nil, nil
				j.unmade = map[int]bool{}
				for i := range plan.Chunks {
					j.unmade[i] = true
				}
			}
		}
	})
}

// plan makes and publishes the plan, if the source is still what was taken in. ours is false when
// another master's plan was first.
func (m *Master) plan(ctx context.Context, j *job) (p *pipeline.Plan, ours bool, err error) {
	if changed, err := m.changed(ctx, j, false); err != nil || changed {
		if changed {
			_, err = m.decide(j, changedDecision)
		}
		return nil, false, err
	}
	if j.Settings.Encoder == "" {
		_, err := m.decide(j, earlierDecision)
		return nil, false, err
	}
	if p, err = m.Stages.Plan(ctx, j.Job, j.scan); err != nil {
		return nil, false, err
	}
	m.Log.Info("planned", "job", j.ID, "name", pipeline.RawName(j.Name()).String(), "frames", p.Frames, "chunks", len(p.Chunks), "profile", j.Settings.Profile)
	ours, err = p.Publish(m.FS)
	return p, ours, err
}

// earlierDecision gives a source back that an earlier version of distenc was at, whose settings or plan mean something else.
var earlierDecision = pipeline.Decision{Act: pipeline.ActCancelled, Return: true, Reason: "it was begun by an earlier version of distenc, and begins anew"}

var changedDecision = pipeline.Decision{Act: pipeline.ActCancelled, Return: true, Reason: "it changed after it had been taken in: the copy was not finished"}

// startChanged gives a source back that changed under its plan: what can't be encoded then is no fault of
// the chunk's, and the job must not wait for a person.
func (m *Master) startChanged(j *job) {
	m.tasks.start("changed/"+j.ID, 1, func(ctx context.Context) func() {
		if changed, err := m.changed(ctx, j, false); err != nil || !changed {
			return nil // what the share can't tell now, it tells at the next look
		}
		_, err := m.decide(j, changedDecision)
		return func() {
			if err != nil {
				m.later(j, "cannot decide", err)
			}
		}
	})
}

// startDecide publishes a decision beside the main loop.
func (m *Master) startDecide(j *job, d pipeline.Decision) {
	m.tasks.start("decide/"+j.ID, 2, func(context.Context) func() {
		_, err := m.decide(j, d)
		return func() {
			if err != nil {
				m.later(j, "cannot decide", err)
			}
		}
	})
}

// decide publishes a decision (T12). Whatever holds then is carried out at the next look.
func (m *Master) decide(j *job, d pipeline.Decision) (*pipeline.Decision, error) {
	d.By = m.Node
	held, err := pipeline.Decide(m.FS, j.ID, d)
	if err != nil {
		return nil, fmt.Errorf("cannot publish the decision on %s: %w", j.ID, err)
	}
	m.Log.Info("decided", "job", j.ID, "name", pipeline.RawName(j.Name()).String(), "act", held.Act, "reason", held.Reason)
	return held, nil
}

// forget drops a job whose folder is gone.
func (m *Master) forget(j *job) {
	delete(m.jobs, j.ID)
	m.films.ended(j.Job, false)
	m.known.drop(contentOf(j.Job), j.ID)
}

// closedForGood makes the end of a job that this master has finished outlast a power loss of the file
// server: nobody looks at it again before the next leader.
func (m *Master) closedForGood(j *job) bool {
	if !j.finished {
		return true // it was found closed: that it outlasts, or is closed once more, is the last leader's affair
	}
	if err := m.FS.Durable(pipeline.JobFile(j.ID, pipeline.ClosedName)); err != nil {
		m.later(j, "cannot close", err)
		return false
	}
	return true
}

// close drops a job that has ended.
func (m *Master) close(j *job, dir pipeline.Folder) {
	m.sweepTemporary(j.ID, dir)
	if dir.Out() { // made again by a request that landed late
		if err := m.sweepFolder(pipeline.OutOf(j.ID)); err != nil {
			m.Log.Debug("cannot sweep an ended job's folder", "job", j.ID, "error", err)
		}
	}
	m.closed[j.ID] = true
	m.recent = append(m.recent[max(0, len(m.recent)-maxRecent+1):], j.ID)
	delete(m.jobs, j.ID)
	c, err := pipeline.LoadClosed(m.FS, j.ID)
	if err == nil && c.Source == "" {
		m.late[j.ID] = &lateJob{job: j, until: time.Now().Add(lateFor), next: time.Now().Add(staleNames)}
	}
	m.films.ended(j.Job, err == nil && c.Act == pipeline.ActPublish)
	if err == nil && c.Act == pipeline.ActPublish {
		m.known.add(contentOf(j.Job), j.ID)
		return
	}
	m.known.drop(contentOf(j.Job), j.ID)
}
