package master

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// dropped is a file in the inbox as far as it was read.
type dropped struct {
	file     watcher.File // as it was when it was read
	identity identity     // as well
	scan     Scan
	scanned  bool
	ranked   time.Time // when its settings were read for what follows; zero: not yet
	priority int
	promised bool               // `distenc add` said that it is whole
	left     string             // why it can't be taken as things are, told in status; "" while nothing is known against it
	rest     time.Time          // not tried before
	denied   int                // how often it could not be opened, or not be read in the machine's memory
	unmoved  int                // how often it could not be moved into its job
	stuck    string             // the same, as it was found when it was to be taken
	cancel   context.CancelFunc // ends the reading; nil before that
}

// forget drops a file that is gone or has changed: nobody reads on in what it was.
func (d *dropped) forget() {
	if d.cancel != nil {
		d.cancel()
	}
}

// maxEarly bounds how long a file stands still before it is read ahead of its settle time: a file with a
// matching tag then starts at once, and any other as soon as it has settled. A copy that only paused is
// read again.
const maxEarly = 5 * time.Second

func (m *Master) early() time.Duration { return min(m.Settle/2, maxEarly) }

// lookAtInbox reads and takes what people dropped, and returns how many are waiting.
func (m *Master) lookAtInbox(ctx context.Context) (waiting int, err error) {
	files, err := m.watch.Scan(ctx)
	if err != nil {
		return 0, err
	}
	here := map[string]bool{}
	m.nextLook = m.Poll
	m.order(files)
	films, settled := filmsOf(files), map[string]bool{}
	for _, f := range files {
		here[f.Name] = true
		d := m.drop(f)
		if f.Companion && !m.Trusted && (f.Reason == "" || f.Linked) {
			settled[f.Name] = f.Still >= m.Settle
			if m.lookAtCompanion(f, d, films[path.Dir(f.Name)]) {
				waiting++
			}
			continue
		}
		if f.Reason != "" && (!m.Trusted || !f.Linked) {
			m.leave(d, f.Reason)
			continue
		}
		if m.leave(d, d.stuck); d.stuck == "" {
			waiting++
		}
		for _, due := range []time.Duration{m.early(), m.Settle} {
			if due > f.Still {
				m.nextLook = min(m.nextLook, due-f.Still)
			}
		}
		if m.full == "" && !m.tasks.busy("intake/"+f.Name) && !m.tasks.busy("take/"+f.Name) && time.Now().After(d.rest) {
			m.consider(f, d)
		}
	}
	for name, d := range m.dropped {
		if !here[name] {
			d.forget()
			delete(m.dropped, name)
		}
	}
	m.films.settle(settled)
	m.tellLeft()
	return waiting, nil
}

// filmsOf lists the films of each folder of the inbox.
func filmsOf(files []watcher.File) map[string][]string {
	films := map[string][]string{}
	for _, f := range files {
		if f.Film {
			films[path.Dir(f.Name)] = append(films[path.Dir(f.Name)], path.Base(f.Name))
		}
	}
	return films
}

// rankFor is how long the order of the inbox goes by settings that were read once: people may change them,
// and the inbox may be long.
const rankFor = 30 * time.Second

// order sorts the inbox by the priority in the files' own settings, then by age.
func (m *Master) order(files []watcher.File) {
	priority := func(f watcher.File) int {
		d := m.drop(f)
		if time.Since(d.ranked) > rankFor {
			if order, err := m.resolve(f.Name); err == nil {
				d.ranked, d.priority, d.promised = time.Now(), order.Priority, promised(order, f)
			}
		}
		return d.priority
	}
	slices.SortStableFunc(files, func(a, b watcher.File) int {
		return cmp.Or(cmp.Compare(priority(b), priority(a)), a.ModTime.Compare(b.ModTime))
	})
}

// drop finds what is known of a file, which is nothing if it changed.
func (m *Master) drop(f watcher.File) *dropped {
	d := m.dropped[f.Name]
	if d == nil || d.file.Size != f.Size || !d.file.ModTime.Equal(f.ModTime) {
		if d != nil {
			d.forget()
		}
		d = &dropped{file: f}
		m.dropped[f.Name] = d
	}
	return d
}

// consider reads a file that stands still, and takes it once it is known to be complete.
func (m *Master) consider(f watcher.File, d *dropped) {
	settled := f.Still >= m.Settle
	switch {
	case !d.scanned && (f.Still >= m.early() || d.promised):
		ctx, cancel := context.WithCancel(m.tasks.ctx)
		d.cancel = cancel
		if !m.tasks.start("intake/"+f.Name, lanes(f, d), func(context.Context) func() { return m.read(ctx, f, d) }) {
			cancel()
		}
	case d.scanned && (settled || m.vouched(f, d)):
		// The id is made here so that findJobs does not take the half-made folder for a lost one.
		id := pipeline.NewJobID(d.scan.CRC32)
		if m.tasks.start("take/"+f.Name, 1, func(ctx context.Context) func() { return m.takeIn(ctx, id, f, d) }) {
			m.taking[id] = true
		}
	}
}

// read scans a file's content.
func (m *Master) read(ctx context.Context, f watcher.File, d *dropped) func() {
	var scan Scan
	st, err := m.FS.Stat(f.Name)
	if err == nil {
		scan, err = m.Stages.Scan(ctx, f.Name)
	}
	return func() {
		if d.cancel(); m.dropped[f.Name] != d {
			return // it is gone, or another one by now
		}
		denial := denied(err)
		if denial != nil {
			d.denied++
		}
		if d.denied > maxDenied && denial != nil {
			scan.Refused, err = denial, nil
		}
		if err != nil {
			d.rest = time.Now().Add(errRest)
			if !errors.Is(err, fs.ErrNotExist) {
				m.Log.Warn("cannot read a file in the inbox, trying again", "name", pipeline.RawName(f.Name).String(), "error", err)
			}
			return
		}
		d.scan, d.scanned, d.identity = scan, true, identityOf(st)
		f.Still += time.Since(f.Seen) // unchanged as far as is known: go on at once
		m.consider(f, d)
	}
}

// denied is the refusal for errors that may pass, or may be the file's own; nil for all others.
func denied(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return pipeline.Refuse("The file can't be read: its permissions keep distenc's user out; make it readable for the group of the share and drop it again.")
	case sharefs.NoMemory(err):
		return &pipeline.Refusal{Reason: "The file can't be read: its headers ask for more memory than this machine has.", Err: err}
	}
	return nil
}

// maxDenied is how often opening a file may be denied (NFS does so in passing) until it is rejected.
const maxDenied = 3

// takeIn makes a job of a file (T1), or rejects it.
func (m *Master) takeIn(ctx context.Context, id string, f watcher.File, d *dropped) func() {
	st, err := m.FS.Stat(f.Name)
	if err != nil || st.Size() != f.Size || !st.ModTime().Equal(f.ModTime) || identityOf(st) != d.identity {
		return func() { // it changed since, or another file has its name: the next look finds out
			delete(m.taking, id)
			delete(m.dropped, f.Name)
		}
	}
	if o := m.FS.Obstacle(f.Name, pipeline.Jobs); o != nil { // before anything is made for it
		return func() {
			delete(m.taking, id)
			d.stuck, d.rest = o.String(), time.Now().Add(errRest)
		}
	}
	j, err := m.newJob(id, f, d)
	if err == nil {
		err = m.moveIn(ctx, j)
	}
	taken := &job{Job: j, scan: d.scan}
	if err == nil {
		m.sight(taken, d.identity)
	}
	var refused *pipeline.Refusal
	rejected := errors.As(err, &refused)
	if rejected {
		var dst pipeline.RawName
		dst, err = m.rejectFile(ctx, f.Name, refused)
		if err == nil && m.Ended != nil {
			inbox := pipeline.RawName(strings.TrimPrefix(f.Name, pipeline.Inbox+"/"))
			m.Ended(pipeline.JobStatus{
				Name: pipeline.RawName(path.Base(f.Name)).String(), Folder: inbox.Folder(), Source: dst.String(), CRC32: d.scan.CRC32, Size: f.Size, State: pipeline.JobFailed,
				Error: refused.Reason, Decided: true, Created: time.Now().UTC(), Ended: time.Now().UTC(),
			})
		}
	}
	return func() {
		delete(m.taking, id)
		if err != nil {
			m.Log.Warn("cannot take a file in, trying again", "name", pipeline.RawName(f.Name).String(), "error", err)
			d.stuck, d.rest = "", time.Now().Add(errRest)
			if sharefs.Immovable(err) { // a job is made for each try: ever fewer of them
				d.stuck, d.rest = "it can't be moved out of its folder: "+err.Error(), time.Now().Add(errRest<<min(d.unmoved, maxUnmoved))
				d.unmoved++
			}
			return
		}
		if rejected {
			m.failed++
			return
		}
		delete(m.dropped, f.Name)
		m.known.add(contentOf(j), j.ID) // the next one is taken in before its folder is looked at
		m.adopt(taken)
	}
}

// newJob checks a complete file and describes its job.
func (m *Master) newJob(id string, f watcher.File, d *dropped) (*pipeline.Job, error) {
	base := path.Base(f.Name)
	tag := pipeline.Tag(base)
	if tag != "" && d.scan.CRC32 != "" && tag != d.scan.CRC32 {
		return nil, pipeline.Refuse("The name says CRC-32 %s but the content has %s: the file is damaged or not the one that the name says.", tag, d.scan.CRC32)
	}
	if d.scan.Refused != nil {
		return nil, d.scan.Refused
	}
	order, err := m.resolve(f.Name)
	if err != nil {
		return nil, err
	}
	j := &pipeline.Job{
		ID: id, Inbox: pipeline.RawName(strings.TrimPrefix(f.Name, pipeline.Inbox+"/")),
		Source: "source" + safeExt(base), Size: f.Size, ModTime: f.ModTime, CRC32: d.scan.CRC32, Tag: tag,
		Settings: order.Settings, Priority: order.Priority, Nonce: order.Nonce, Master: m.Node, Created: time.Now().UTC(),
	}
	if twin := m.known.find(contentOf(j)); twin != "" && !order.Again {
		return j, m.duplicate(twin)
	}
	return j, nil
}

// duplicate says where the same content went, and what to do with this copy; nil where a person has just
// ended that job, which this master may not have seen yet, and tries its source again.
func (m *Master) duplicate(twin string) error {
	dir, err := pipeline.LookInto(m.FS, twin)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it is not on the share any more, nor does its output have to be
	}
	if err == nil && dir.Decision() {
		if d, err := pipeline.LoadDecision(m.FS, twin); err == nil && d.Act != pipeline.ActPublish {
			return nil
		}
	}
	const advice = "delete this copy, or encode it once more with `distenc add --again`."
	p, err := pipeline.LoadPublished(m.FS, twin)
	why := pipeline.Refuse("The same content is in work already with the same settings, as job %s: "+advice, twin)
	if err == nil {
		why = pipeline.Refuse("The same content was encoded already with the same settings, as %s/%s (job %s): "+advice, pipeline.Outbox, p.Output, twin)
	}
	why.Twin = twin
	return why
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
	if out, err := m.FS.Move(ctx, pipeline.SidecarBeside(name), pipeline.SidecarOf(j.ID)); out != sharefs.Won && !errors.Is(err, fs.ErrNotExist) {
		m.Log.Debug("the sidecar stays in the inbox", "job", j.ID, "error", err)
	}
	return m.steered(j, pipeline.SidecarOf(j.ID)) // somebody may have written it just now
}
