package master

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// People are told of events at least once. Each event is written down for each receiver before its last trace on the
// share goes (pipeline.Untold), and crossed off when the receiver was told; a new leader tells what stands there. An
// empty file in the job's folder, whose name begins so, says that the event was written down: it is once.
const toldName = "told"

// receivers are those who want to be told of events of a kind.
func (m *Master) receivers(kind pipeline.EventKind) []string {
	if m.Receivers == nil || m.Tell == nil {
		return nil
	}
	return m.Receivers(kind)
}

// note writes an event down for all who want to be told of it. One that can't be written down is told all the same, if
// this master lives.
func (m *Master) note(id string, e pipeline.Event) (untold []*pipeline.Untold) {
	e.Time = time.Now().UTC()
	for _, receiver := range m.receivers(e.Kind) {
		u := pipeline.NewUntold(m.FS, id, receiver, e)
		if err := u.Keep(); err != nil {
			m.Log.Warn("cannot write down what people are to be told: if this master dies, they are not",
				"event", id, "error", err)
		}
		untold = append(untold, u)
	}
	return untold
}

// noteJob is note for what happens to a job once. The marker is its name in the job's folder.
func (m *Master) noteJob(id, job, marker string, kind pipeline.EventKind) []*pipeline.Untold {
	if len(m.receivers(kind)) == 0 {
		return nil
	}
	marker = pipeline.JobFile(job, marker)
	if _, err := m.FS.Stat(marker); err == nil {
		return nil
	}
	e := pipeline.Event{Kind: kind, Job: pipeline.JobStatus{ID: job}}
	if st, err := m.readJob(job); err == nil {
		e.Job = st
	}
	untold := m.note(id, e)
	if err := m.FS.Create(marker, nil); err != nil {
		m.Log.Debug("another master tells it too", "event", id, "error", err)
	}
	return untold
}

// tell has people told. What is said of a job is what is known of it now; of one that waited for a person and is seen
// to go on without, or to have ended, nothing is. What can't be read now, be it a plan, is no sign of that.
func (m *Master) tell(untold []*pipeline.Untold) {
	for _, u := range untold {
		st, err := m.readJob(u.Job.ID)
		known := err == nil && st.State != pipeline.Planning // no event comes before a plan or an end
		if known && st.State != pipeline.JobFailed && strings.HasSuffix(u.Name(), asideMark+"."+u.Receiver+".json") {
			m.crossOff(u)
			continue
		}
		if known {
			u.Job = st
		}
		m.Tell(u)
	}
}

// asideMark ends the name of an event that a retry may take back.
const asideMark = ".aside"

func (m *Master) readJob(id string) (pipeline.JobStatus, error) {
	if !pipeline.ValidJob(id) { // no job was made of the file
		return pipeline.JobStatus{}, fs.ErrNotExist
	}
	return status.ReadJob(m.FS, id)
}

func (m *Master) crossOff(u *pipeline.Untold) {
	if err := u.Told(); err != nil {
		m.Log.Debug("cannot cross off an event", "event", u.Name(), "error", err)
	}
}

// noteEnd notes that a job has ended. Nobody asks for one that was cancelled.
func (m *Master) noteEnd(job string, act pipeline.Act) []*pipeline.Untold {
	switch {
	case act.Publishes():
		return m.noteJob(job+".done", job, toldName, pipeline.EventDone)
	case act == pipeline.ActFailed:
		return m.noteJob(job+".failed", job, toldName, pipeline.EventFailed)
	}
	return nil
}

// announceStart has people told that a job is planned.
func (t *term) announceStart(j *job, dir pipeline.Folder) {
	const marker = toldName + ".started"
	if j.started || dir[marker] || len(t.receivers(pipeline.EventStarted)) == 0 {
		return
	}
	j.started = t.announceJob(j, j.ID+".started", marker, pipeline.EventStarted)
}

// announceAside has people told of a job that can't go on without a person, once for each time that a chunk of it is
// set aside while none was before.
func (t *term) announceAside(j *job, dir pipeline.Folder, chunks pipeline.JobChunks) {
	if len(t.receivers(pipeline.EventFailed)) == 0 {
		return
	}
	failed := chunks.In(pipeline.Failed)
	before := slices.ContainsFunc(failed, func(c pipeline.ChunkFile) bool { return dir[toldName+"."+c.Stem()] })
	if len(failed) == 0 || j.chunks.announced || before {
		j.chunks.announced = len(failed) > 0
		return
	}
	stem := failed[0].Stem()
	j.chunks.announced = t.announceJob(j, stem+asideMark, toldName+"."+stem, pipeline.EventFailed)
}

func (t *term) announceJob(j *job, id, marker string, kind pipeline.EventKind) bool {
	return background(t, "tell", j, func(_ context.Context, w *jobTask) struct{} {
		w.tell(w.noteJob(id, w.job.ID, marker, kind))
		return struct{}{}
	}, func(struct{}) {})
}

// announceIdle has people told that all jobs have ended, once for each time that one was in work. That is noted while
// there is work: nothing on the share would tell a new leader that there was.
func (t *term) announceIdle(busy int, idle bool) {
	switch {
	case busy > 0 && len(t.restless) == 0:
		t.restless = t.note("idle."+pipeline.Nonce(12), pipeline.Event{Kind: pipeline.EventIdle})
	case idle && len(t.restless) > 0:
		for _, u := range t.restless {
			u.Time, u.Left = time.Now().UTC(), t.jobs.waiting()
		}
		t.tell(t.restless)
		t.restless = nil
	}
}

// takeOver goes on with what earlier leaders had not told.
func (t *term) takeOver() {
	if t.Tell == nil {
		return
	}
	untold, err := pipeline.LoadUntold(t.FS)
	if err != nil && !sharefs.Absent(err) {
		t.Log.Warn("cannot read what people have yet to be told", "error", err)
	}
	for _, u := range untold {
		switch {
		case u.Kind == pipeline.EventIdle && len(t.receivers(u.Kind)) > 0:
			t.restless = append(t.restless, u)
		case u.Old():
			t.Log.Warn("given up: nobody could be told for a day", "event", u.Name())
			t.crossOff(u)
		case u.Kind != pipeline.EventIdle:
			t.tell([]*pipeline.Untold{u})
		}
	}
}
