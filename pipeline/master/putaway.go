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
func (m *Master) putAway(ctx context.Context, j *job) (pipeline.RawName, error) {
	folder, err := pipeline.ListFolder(m.FS, j.ID)
	if err != nil || !folder.Source(j.Job) {
		return "", err
	}
	remove := j.Settings.Keep == "delete"
	if changed, err := m.changed(ctx, j, remove); err != nil {
		return "", err
	} else if changed {
		return m.giveBack(ctx, j.Job, &changedDecision)
	}
	dir, err := pipeline.OwnFolder(ctx, m.FS, pipeline.Archive, j.ID)
	if err != nil {
		return "", err
	}
	source, err := m.moveSource(ctx, j.Job, path.Join(dir, j.Name()))
	if err != nil {
		return "", errors.Join(err, m.FS.RemoveDir(dir)) // for the next try
	}
	if !remove {
		return source, nil
	}
	return m.removeSource(j.Job, source)
}

// removeSource removes a source from the archive, unless somebody who had it open has written to it at the last moment.
func (m *Master) removeSource(j *pipeline.Job, source pipeline.RawName) (pipeline.RawName, error) {
	st, err := m.FS.Stat(string(source))
	if err != nil {
		return "", err
	}
	if st.Size() != j.Size || !sameTime(st.ModTime(), j.ModTime) {
		m.Log.Warn("a source was changed when its output was out already: it stays in the archive", "job", j.ID, "source", source.String())
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

// giveBack puts a source that was not whole back into the inbox, under a free name. People drop files
// there at any time, so it is linked, which overwrites nothing, and only then leaves the job's folder.
func (m *Master) giveBack(ctx context.Context, j *pipeline.Job, d *pipeline.Decision) (pipeline.RawName, error) {
	folder, err := pipeline.ListFolder(m.FS, j.ID)
	if err != nil || !folder.Source(j) {
		return "", err
	}
	m.Log.Info("back to the inbox", "job", j.ID, "name", j.Inbox.String(), "reason", d.Reason)
	source, dir := pipeline.JobFile(j.ID, j.Source), path.Join(pipeline.Inbox, path.Dir(string(j.Inbox)))
	if err := m.FS.MkdirAll(dir); err != nil {
		return "", err
	}
	name, err := pipeline.LinkFree(ctx, m.FS, source, pipeline.SidecarOf(j.ID), dir, j.Name())
	if errors.Is(err, fs.ErrPermission) && m.unlinked(source) { // of another user, who may not be linked: protected_hardlinks, proc(5)
		return m.moveSource(ctx, j, path.Join(dir, pipeline.Marked(j.Name(), pipeline.Nonce(5))))
	}
	if err == nil {
		err = m.FS.DurableForeign(name)
	}
	if err != nil {
		return "", err
	}
	return pipeline.RawName(name), errors.Join(m.FS.Remove(source), m.FS.Remove(pipeline.SidecarOf(j.ID)))
}

// unlinked tells that a file has no name but this one, as far as can be seen: no link of it was made.
func (m *Master) unlinked(name string) bool {
	st, err := m.FS.Stat(name)
	return err == nil && sharefs.Links(st) == 1
}

// rejectJob puts the source of a failed or cancelled job into failed/, with the reason and the log.
func (m *Master) rejectJob(ctx context.Context, j *pipeline.Job, d *pipeline.Decision) (pipeline.RawName, error) {
	folder, err := pipeline.ListFolder(m.FS, j.ID)
	if err != nil || !folder.Source(j) {
		return "", err
	}
	log := fmt.Sprintf("job %s, %s by %s\n%s", j.ID, d.Act, d.By, m.logOf(j.ID))
	return m.putAside(ctx, pipeline.Reject{
		Source: pipeline.JobFile(j.ID, j.Source), Sidecar: pipeline.SidecarOf(j.ID), Inbox: j.Inbox, Reason: d.Reason, Log: log,
	})
}

// putAside puts a source into failed/. Settings that stay behind are told, and no reason to do it again.
func (m *Master) putAside(ctx context.Context, r pipeline.Reject) (pipeline.RawName, error) {
	dst, err := r.PutAside(ctx, m.FS)
	var stay *pipeline.SettingsStay
	if errors.As(err, &stay) {
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
		Source: name, Sidecar: pipeline.SidecarBeside(name), Inbox: pipeline.RawName(strings.TrimPrefix(name, pipeline.Inbox+"/")),
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

// maxLog bounds what is read of one report, in bytes.
const maxLog = 1 << 20
