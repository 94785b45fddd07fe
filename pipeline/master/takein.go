package master

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

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

// maxUnmoved bounds how long a file rests that can't be moved for a reason that could not be foreseen: errRest,
// doubled as often, is an hour.
const maxUnmoved = 8
