package master

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// putAway moves the source to archive/, and removes it there if the settings say so: only now is its
// output verified and out. A source that has become another file since goes back to the inbox: nothing of it came out.
func (w *jobTask) putAway(ctx context.Context) (pipeline.RawName, error) {
	remove := w.job.Settings.Disposal == pipeline.DeleteSource
	if changed, err := w.changed(ctx, remove); err != nil {
		return "", err
	} else if changed {
		return w.giveBack(ctx, &changedDecision)
	}
	return w.archive(ctx, remove)
}

// putAwaySkipped is putAway for a source that was looked at before it came out, and is what came out. It is only
// removed if its name in the outbox is sure to outlast a power loss of the file server, and so not if nobody here may
// write to it.
func (w *jobTask) putAwaySkipped(ctx context.Context) (pipeline.RawName, error) {
	remove := w.job.Settings.Disposal == pipeline.DeleteSource
	if remove {
		err := w.FS.Durable(pipeline.JobFile(w.job.ID, w.job.Source)) // all of its names
		if remove = err == nil; !remove && !errors.Is(err, fs.ErrPermission) {
			return "", err
		}
	}
	return w.archive(ctx, remove)
}

// archive moves the source to archive/, and removes it there if it is to be.
func (w *jobTask) archive(ctx context.Context, remove bool) (pipeline.RawName, error) {
	dir, err := pipeline.OwnFolder(ctx, w.FS, pipeline.Archive, w.job.ID)
	if err != nil {
		return "", err
	}
	source, err := w.moveSource(ctx, w.job, path.Join(dir, w.job.Name()))
	if err != nil {
		return "", errors.Join(err, w.FS.RemoveDir(dir)) // for the next try
	}
	if !remove {
		return source, nil
	}
	return w.removeSource(w.job, source)
}

// removeSource removes a source from the archive, unless somebody who had it open has written to it at the last moment.
func (m *Master) removeSource(j *pipeline.Job, source pipeline.RawName) (pipeline.RawName, error) {
	st, err := m.FS.Stat(string(source))
	if err != nil {
		return "", err
	}
	if st.Size() != j.Size || !sameTime(st.ModTime(), j.ModTime) {
		m.Log.Warn("a source was changed when its output was out already: it stays in the archive",
			"job", j.ID, "source", source.String())
		return source, nil
	}
	if err := m.FS.Remove(string(source)); err != nil {
		return "", err
	}
	return "", m.FS.RemoveDir(path.Dir(string(source)))
}

// moveSource moves the source to dst, a name that nobody else uses.
func (m *Master) moveSource(ctx context.Context, j *pipeline.Job, dst string) (pipeline.RawName, error) {
	if out, err := m.FS.Move(ctx, pipeline.JobFile(j.ID, j.Source), dst); out != sharefs.Won {
		return "", fmt.Errorf("cannot put the source away: %w", err)
	}
	return pipeline.RawName(dst), m.FS.DurableForeign(dst)
}

// giveBack puts a source that was not whole back into the inbox, under a free name.
func (w *jobTask) giveBack(ctx context.Context, d *pipeline.Decision) (pipeline.RawName, error) {
	j := w.job
	w.Log.Info("back to the inbox", "job", j.ID, "name", j.Inbox.String(), "reason", d.Reason)
	source, dir := pipeline.JobFile(j.ID, j.Source), path.Join(pipeline.Inbox, path.Dir(string(j.Inbox)))
	name, err := pipeline.GiveBack(ctx, w.FS, source, pipeline.SidecarOf(j.ID), dir, j.Name())
	return pipeline.RawName(name), err
}

// rejectJob puts the source of a failed or cancelled job into failed/, with the reason and the log.
func (w *jobTask) rejectJob(ctx context.Context, d *pipeline.Decision) (pipeline.RawName, error) {
	j := w.job
	log := fmt.Sprintf("job %s, %s by %s\n%s", j.ID, d.Act, d.By, w.logOf(j.ID))
	return w.putAside(ctx, pipeline.Reject{
		Source: pipeline.JobFile(j.ID, j.Source), Sidecar: pipeline.SidecarOf(j.ID), Inbox: j.Inbox,
		Reason: d.Reason, Log: log,
	})
}

// putAside puts a source into failed/. Settings that stay behind are logged, and no reason to do it again.
func (m *Master) putAside(ctx context.Context, r pipeline.Reject) (pipeline.RawName, error) {
	dst, err := r.PutAside(ctx, m.FS)
	if stay, is := errors.AsType[*pipeline.SettingsStay](err); is {
		m.Log.Warn("a source was put aside without its settings", "source", dst.String(), "error", stay.Err)
		err = nil
	}
	return dst, err
}

// rejectFile puts a file of the inbox into failed/ with the reason, and returns where it is.
func (m *Master) rejectFile(ctx context.Context, name string, why *pipeline.Refusal) (pipeline.RawName, error) {
	m.Log.Warn("rejected", "name", pipeline.RawName(name).String(), "reason", why.Reason)
	log := why.Reason
	if why.Err != nil {
		log = why.Err.Error()
	}
	return m.putAside(ctx, pipeline.Reject{
		Source: name, Sidecar: pipeline.SidecarBeside(name), Inbox: belowInbox(name),
		Reason: why.Reason, Log: log, Twin: why.Twin,
	})
}

// logOf joins the reports on a job's failed attempts to one text.
func (m *Master) logOf(job string) string {
	names, err := m.FS.List(pipeline.LogDir(job))
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, n := range names {
		if text, err := m.FS.Read(pipeline.JobLog(job, n), maxLog); err == nil {
			b.WriteString(n + "\n" + string(text) + "\n")
		}
	}
	return b.String()
}

// maxLog limits what is read of one report, in bytes.
const maxLog = 1 << 20
