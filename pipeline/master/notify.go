package master

import (
	"context"
	"io/fs"
	"path"
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
	case busy > 0 && len(t.restless) == 0 && !t.tasks.busy(takingOver): // which may find one
		t.restless = t.note(idlePrefix+pipeline.Nonce(12), pipeline.Event{Kind: pipeline.EventIdle})
	case idle && len(t.restless) > 0:
		for _, u := range t.restless {
			u.Time, u.Left = time.Now().UTC(), t.jobs.waiting()
		}
		t.tell(t.restless)
		t.restless = nil
	}
}

// heritage is what earlier leaders had not told.
type heritage struct {
	listed bool
	names  []string  // of the files
	next   time.Time // not before: the share did not give something
}

// takeOver goes on with what earlier leaders had not told, some of it at a time and beside the main loop: there may be
// any number of files.
func (t *term) takeOver() {
	h := t.heritage
	if t.Tell == nil || h.listed && len(h.names) == 0 || time.Now().Before(h.next) {
		return
	}
	t.tasks.start(takingOver, lane{all: limits["tell"]}, func(ctx context.Context) func() {
		idle := h.tellSome(ctx, t.Master)
		return func() {
			t.heritage = h
			known := func(u *pipeline.Untold) bool {
				return slices.ContainsFunc(t.restless, func(o *pipeline.Untold) bool { return o.Name() == u.Name() })
			}
			t.restless = append(t.restless, slices.DeleteFunc(idle, known)...)
		}
	})
}

const (
	takingOver  = "tell/heritage"
	tellInOneGo = 100 // files of earlier leaders
)

// tellSome tells some of it, and returns what is to be told when all jobs have ended. What the share does not give now
// is tried again.
func (h *heritage) tellSome(ctx context.Context, m *Master) (idle []*pipeline.Untold) {
	now, err := h.list(m)
	if err != nil {
		h.retry(m, err)
		return nil
	}
	some := min(len(h.names), tellInOneGo)
	names, unread := h.names[:some], slices.Clone(h.names[some:])
	for _, n := range names {
		u, err := pipeline.LoadUntold(m.FS, n, now)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil && u.Kind == pipeline.EventIdle && len(m.receivers(u.Kind)) > 0:
			idle = append(idle, u)
		case err == nil:
			m.tellOf(u)
		case sharefs.System(err) && !sharefs.Absent(err) && !sharefs.NotFolder(err):
			unread = append(unread, n)
			h.retry(m, err)
		}
	}
	h.names = unread
	return idle
}

// list looks what there is, once, and what time it is on the share.
func (h *heritage) list(m *Master) (now time.Time, err error) {
	if !h.listed {
		h.names, err = pipeline.ListUntold(m.FS)
		h.listed = err == nil
	}
	if err != nil || len(h.names) == 0 {
		return now, err
	}
	return pipeline.ShareTime(m.FS)
}

func (h *heritage) retry(m *Master, err error) {
	if h.next.IsZero() {
		m.Log.Warn("cannot read what people have yet to be told, trying again", "error", err)
	}
	h.next = time.Now().Add(errRest)
}

// tellOf tells what an earlier leader had not.
func (m *Master) tellOf(u *pipeline.Untold) {
	switch {
	case u.Old():
		m.Log.Warn("given up: nobody could be told for a day", "event", u.Name())
		m.crossOff(u)
	case u.Kind != pipeline.EventIdle:
		m.tell([]*pipeline.Untold{u})
	}
}

// sweepUntold removes what a killed master was just writing down, and what nobody could be told for a day: who was to
// be told may have left the settings. That all jobs have ended may have to wait for longer.
func (t *term) sweepUntold() {
	names, err := t.FS.List(pipeline.UntoldDir)
	if err != nil || len(names) == 0 {
		return
	}
	now, err := pipeline.ShareTime(t.FS)
	if err != nil {
		return
	}
	looked := 0
	for _, n := range names {
		name := path.Join(pipeline.UntoldDir, n)
		switch {
		case path.Ext(n) == ".tmp":
			t.sweepStill(name)
		case pipeline.IsUntold(n) && !strings.HasPrefix(n, idlePrefix) && looked < tellInOneGo:
			looked++
			t.sweepAged(name, now)
		}
	}
}

// agedBy is how old it is: its receiver, which gives up after a day too, has had the time to say so.
const agedBy = pipeline.EventAge + time.Hour

func (t *term) sweepAged(name string, now time.Time) {
	st, err := t.FS.Stat(name)
	if err != nil || now.Sub(st.ModTime()) < agedBy {
		return
	}
	t.Log.Warn("given up: nobody could be told for a day", "event", path.Base(name))
	if err := t.FS.Remove(name); err != nil {
		t.Log.Debug("cannot give up an event", "event", path.Base(name), "error", err)
	}
}

// idlePrefix begins the names of events that all jobs have ended.
const idlePrefix = "idle."
