package master

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// verdict is what came of looking at one result.
type verdict struct {
	record *pipeline.Record // of the accepted result
	doubt  bool             // the share or this machine is in trouble: it tells nothing
	unseen bool             // not (all) visible yet through this machine's mount
	err    error            // why; nil: accepted
}

// reign is one term as the leading master. done says that UntilIdle was reached.
func (m *Master) reign(ctx context.Context) (done bool, err error) {
	m.watch = watcher.New(m.FS, pipeline.Inbox)
	m.observer = lease.NewObserver(m.FS, pipeline.Leases, pipeline.ProbeDir+"/"+m.Node, m.Terms, m.Lease...)
	defer func() {
		if err := m.observer.Close(); err != nil {
			m.Log.Debug("cannot remove the probe file", "error", err)
		}
	}()
	m.nextLook, m.watched = m.Poll, time.Time{}
	m.jobs, m.closed, m.taking, m.known = map[string]*job{}, map[string]bool{}, map[string]bool{}, newIndex()
	m.films, m.recent = newFilms(), nil
	m.dropped, m.left, m.told, m.orphans = map[string]*dropped{}, nil, map[string]bool{}, nil
	if err := pipeline.WriteLeftAlone(m.FS, nil); err != nil {
		m.Log.Debug("cannot clear what the last master left alone", "error", err)
	}
	m.dead, m.empty, m.late = map[string]*still{}, nil, map[string]*lateJob{}
	m.tasks = newTasks(ctx, m.Took)
	defer m.tasks.stop()
	if err := m.agree(); err != nil {
		return false, err
	}
	for ctx.Err() == nil {
		idle, err := m.round(ctx)
		if err == nil {
			m.contact.Back()
		} else if ctx.Err() == nil {
			m.contact.Lost(err)
		}
		if idle && err == nil && m.UntilIdle {
			return true, m.verdict()
		}
		m.pause(ctx)
	}
	return false, nil
}

// verdict tells at the end whether any file failed, was rejected, or waits for a person.
func (m *Master) verdict() error {
	failed := m.failed
	for _, j := range m.jobs {
		if j.aside > 0 {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%w: %d of them; `distenc status` and the folder %s say why", ErrJobFailed, failed, m.FS.Path(pipeline.FailedDir))
	}
	return nil
}

// pause waits until the next look: the poll interval, the time at which a file will have settled, a
// wake, or a task that has ended.
func (m *Master) pause(ctx context.Context) {
	t := time.NewTimer(m.nextLook)
	defer t.Stop()
	// What comes in bursts (moves into a folder, chunks accepted) is looked at together.
	together := max(burst, m.Poll/10)
	select {
	case <-ctx.Done():
		return
	case <-t.C:
		return
	case <-m.Wake:
	case apply := <-m.tasks.results:
		if apply(); m.pending == 0 { // somebody waits for the first chunks of a job, or for the last results of one
			together = burst
		}
	}
	_ = sharefs.Sleep(ctx, together)
}

// burst is the shortest time between two looks at the share.
const burst = 50 * time.Millisecond

// round is one look at the share and what follows from it. idle: there is nothing left that a master
// or a worker could do.
func (m *Master) round(ctx context.Context) (idle bool, err error) {
	m.tasks.drain()
	if m.Times != nil {
		was := m.Settle
		if m.Settle, m.Poll = m.Times(); m.Settle != was {
			if err := m.agree(); err != nil {
				return false, err
			}
		}
	}
	survey, err := pipeline.TakeSurvey(m.FS)
	if err == nil {
		err = m.findJobs()
	}
	if err != nil {
		m.refurnish(err)
		return false, err
	}
	m.pending = survey.Count(pipeline.Pending)
	m.expire(ctx, survey)
	m.sweepOrphans(survey)
	m.sweepDead()
	m.lookAtLate()
	m.lookBack()
	m.guardDisk()
	busy := 0
	for _, j := range m.inOrder() {
		if m.step(ctx, j, survey.Job(j.ID)) {
			busy++
		}
	}
	if m.waiting, err = m.lookAtInbox(ctx); err != nil {
		m.refurnish(err)
	}
	if m.pending == 0 && survey.Count(pipeline.Claimed)+survey.Count(pipeline.Committed) > 0 {
		m.nextLook = min(m.nextLook, m.Poll/5) // somebody waits for the last results of a job
	}
	m.announce(survey)
	m.status(strings.TrimSuffix(fmt.Sprintf("%s in work, %s waiting in the inbox; %s", english.Plural(busy, "job", ""), english.Plural(m.waiting, "file", ""), m.full), "; "))
	return busy == 0 && m.waiting == 0 && m.tasks.idle(), err
}

// guardDisk finds out whether there is room, and says so when that changes.
func (m *Master) guardDisk() {
	was := m.full
	if m.full = ""; m.Full != nil {
		m.full = m.Full()
	}
	switch {
	case was == "" && m.full != "":
		m.Log.Warn("no new file is taken and nothing is cut until there is room", "reason", m.full)
	case was != "" && m.full == "":
		m.Log.Info("there is room again")
	}
}

// once logs a warning the first time it comes with this job.
func (m *Master) once(msg string, args ...any) {
	if key := fmt.Sprint(msg, args[1]); !m.told[key] {
		m.told[key] = true
		m.Log.Warn(msg, args...)
	}
}
