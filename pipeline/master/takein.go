package master

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// arrival is a complete file of the inbox that is to become a job of that id.
type arrival struct {
	id       string
	file     watcher.File
	scan     Scan
	identity identity  // of what was read
	known    *sync.Map // guards itself
}

// taken is what became of an arrival.
type taken struct {
	job      *pipeline.Job // nil if there is none
	sighted  *identity
	changed  bool   // it changed since it was read, or another file has its name
	obstacle string // why it can't be moved
	rejected bool
	err      error // it may pass
}

func (t *term) startTaking(f watcher.File, d *dropped) {
	// The id is made here so that findJobs does not take the half-made folder for a lost one.
	a := arrival{
		id: pipeline.NewJobID(d.reading.scan.CRC32), file: f,
		scan: d.reading.scan, identity: d.reading.identity, known: t.jobs.known,
	}
	if t.tasks.start("take/"+f.Name, lane{all: 1}, func(ctx context.Context) func() {
		r := t.takeIn(ctx, a)
		return func() { t.afterTaking(a, d, r) }
	}) {
		t.jobs.taking[a.id] = true
	}
}

// maxUnmoved limits how long a file rests that can't be moved for a reason that could not be foreseen: errRest,
// doubled as often, is an hour.
const maxUnmoved = 8

func (t *term) afterTaking(a arrival, d *dropped, r taken) {
	delete(t.jobs.taking, a.id)
	switch {
	case r.changed:
		delete(t.inbox.files, a.file.Name) // the next look finds out
	case r.obstacle != "":
		d.stuck, d.rest = r.obstacle, time.Now().Add(errRest)
	case r.err != nil:
		t.Log.Warn("cannot take a file in, trying again", "name", pipeline.RawName(a.file.Name).String(), "error", r.err)
		d.stuck, d.rest = "", time.Now().Add(errRest)
		if sharefs.Immovable(r.err) { // a job is made for each try: ever fewer of them
			d.stuck = "it can't be moved out of its folder: " + r.err.Error()
			d.rest = time.Now().Add(errRest << min(d.unmoved, maxUnmoved))
			d.unmoved++
		}
	case r.rejected:
		t.failed++
	default:
		delete(t.inbox.files, a.file.Name)
		t.jobs.known.Store(contentOf(r.job), r.job.ID) // the next one is taken in before its folder is looked at
		j := liveJob(r.job)
		j.scan, j.sighted = a.scan, r.sighted
		t.jobs.adopt(j)
	}
}

// takeIn makes a job of a file (T1), or rejects it.
func (m *Master) takeIn(ctx context.Context, a arrival) (r taken) {
	f := a.file
	st, err := m.FS.Stat(f.Name)
	if err != nil || st.Size() != f.Size || !st.ModTime().Equal(f.ModTime) || identityOf(st) != a.identity {
		return taken{changed: true}
	}
	if o := m.FS.Obstacle(f.Name, pipeline.Jobs); o != nil { // before anything is made for it
		return taken{obstacle: o.String()}
	}
	if r.job, r.err = m.newJob(a); r.err == nil {
		r.err = m.moveIn(ctx, r.job)
	}
	refused, is := errors.AsType[*pipeline.Refusal](r.err)
	switch {
	case r.err == nil:
		r.sighted = m.sight(r.job, a.identity)
	case is:
		r.rejected, r.err = true, m.rejectArrival(ctx, a, refused)
	}
	return r
}

// rejectArrival puts a file that can't become a job into failed/.
func (m *Master) rejectArrival(ctx context.Context, a arrival, refused *pipeline.Refusal) error {
	st := pipeline.JobStatus{
		Name:   pipeline.RawName(path.Base(a.file.Name)).String(),
		Origin: pipeline.Origin{Folder: belowInbox(a.file.Name).Folder(), CRC32: a.scan.CRC32},
		Size:   a.file.Size, State: pipeline.JobFailed,
		Error: refused.Reason, Decided: true, Created: time.Now().UTC(), Ended: time.Now().UTC(),
	}
	untold := m.note("rejected."+pipeline.Nonce(12), pipeline.Event{Kind: pipeline.EventFailed, Job: st})
	dst, err := m.rejectFile(ctx, a.file.Name, refused)
	if err != nil { // it is tried again, under another name
		for _, u := range untold {
			err = errors.Join(err, u.Told())
		}
		return err
	}
	for _, u := range untold {
		u.Job.Source = dst.String()
	}
	m.tell(untold)
	return nil
}

// newJob checks a complete file and describes its job.
func (m *Master) newJob(a arrival) (*pipeline.Job, error) {
	base := path.Base(a.file.Name)
	tag := pipeline.Tag(base)
	if tag != "" && a.scan.CRC32 != "" && tag != a.scan.CRC32 {
		return nil, pipeline.Refuse("The name says CRC-32 %s but the content has %s: "+
			"the file is damaged or not the one that the name says.", tag, a.scan.CRC32)
	}
	if a.scan.Refused != nil {
		return nil, a.scan.Refused
	}
	order, err := m.resolve(a.file.Name)
	if err != nil {
		return nil, err
	}
	j := &pipeline.Job{
		ID: a.id, Inbox: belowInbox(a.file.Name), Source: "source" + safeExt(base),
		Size: a.file.Size, ModTime: a.file.ModTime, CRC32: a.scan.CRC32, Tag: tag,
		Settings: order.Settings, Priority: order.Priority, Nonce: order.Nonce, Master: m.Node, Created: time.Now().UTC(),
	}
	if twin := twinOf(a.known, j); twin != "" && !order.Again {
		return j, m.duplicate(twin)
	}
	return j, nil
}

// safeExt is a name's ending where it is plain, for people and for tools that look at it.
func safeExt(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if len(ext) < 2 || len(ext) > 6 || strings.Trim(ext[1:], "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return ""
	}
	return ext
}

// moveIn makes the job's folder and moves the source in. Only after the move is durable does anything
// rely on it.
func (m *Master) moveIn(ctx context.Context, j *pipeline.Job) error {
	if err := j.Create(m.FS); err != nil {
		return err
	}
	name := path.Join(pipeline.Inbox, string(j.Inbox))
	if err := m.steered(j, pipeline.SidecarBeside(name)); err != nil {
		return err
	}
	dst := pipeline.JobFile(j.ID, j.Source)
	if out, err := m.FS.MoveOnce(ctx, name, dst); out != sharefs.Won {
		return err
	}
	if err := m.FS.DurableForeign(dst); err != nil {
		return err
	}
	m.Log.Info("taken in", "job", j.ID, "name", j.Inbox.String(), "bytes", j.Size, "profile", j.Settings.Profile)
	m.moveSettings(ctx, j)
	return m.steered(j, pipeline.SidecarOf(j.ID)) // somebody may have written it just now
}

// bringSettings moves the settings in that lie beside a film whose master died between the two moves: they would be
// taken for those of the next film of its name. They are the job's if they were there when it was made, by the file
// server's own clock, and no other film has come since. In doubt they stay.
func (w *jobTask) bringSettings(ctx context.Context) {
	film := path.Join(pipeline.Inbox, string(w.job.Inbox))
	beside, err := w.FS.Stat(pipeline.SidecarBeside(film))
	if err != nil { // most have none
		return
	}
	record, err := w.FS.Stat(pipeline.JobFile(w.job.ID, pipeline.JobName))
	if err != nil || identityOf(beside).after(identityOf(record)) {
		return
	}
	if _, err := w.FS.Stat(film); errors.Is(err, fs.ErrNotExist) {
		w.moveSettings(ctx, w.job)
	}
}

// moveSettings moves the settings beside a film into its job's folder.
func (m *Master) moveSettings(ctx context.Context, j *pipeline.Job) {
	beside := pipeline.SidecarBeside(path.Join(pipeline.Inbox, string(j.Inbox)))
	out, err := m.FS.Move(ctx, beside, pipeline.SidecarOf(j.ID))
	if out != sharefs.Won && !errors.Is(err, fs.ErrNotExist) {
		m.Log.Debug("the sidecar stays in the inbox", "job", j.ID, "error", err)
	}
}
