package master

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// putAway moves the source to archive/, and removes it there if the settings say so: only now is its
// output verified and out.
func (m *Master) putAway(ctx context.Context, j *pipeline.Job) (pipeline.RawName, error) {
	dir := path.Join(pipeline.Archive, j.ID)
	source, err := m.moveSource(ctx, j, dir, j.Name())
	if err != nil || j.Settings.Keep != "delete" {
		return source, err
	}
	if err := m.FS.Remove(path.Join(dir, j.Name())); err != nil {
		return "", err
	}
	return "", m.FS.RemoveDir(dir)
}

// moveSource moves the source, if it is still in the job's folder, to dir/name, and returns that name;
// "" if it was moved before.
func (m *Master) moveSource(ctx context.Context, j *pipeline.Job, dir, name string) (pipeline.RawName, error) {
	folder, err := pipeline.LookInto(m.FS, j.ID)
	if err != nil || folder.Source() == "" {
		return "", err
	}
	if err := m.FS.MkdirAll(dir); err != nil {
		return "", err
	}
	dst := path.Join(dir, name)
	if out, err := m.FS.Move(ctx, pipeline.JobFile(j.ID, folder.Source()), dst); out != sharefs.Won {
		return "", fmt.Errorf("cannot put the source away: %w", err)
	}
	return pipeline.RawName(dst), m.FS.DurableForeign(dst)
}

// giveBack puts a source that was not whole back into the inbox, under a free name. People drop files
// there at any time, so it is linked, which overwrites nothing, and only then leaves the job's folder.
func (m *Master) giveBack(ctx context.Context, j *pipeline.Job, d *pipeline.Decision) (pipeline.RawName, error) {
	folder, err := pipeline.LookInto(m.FS, j.ID)
	if err != nil || folder.Source() == "" {
		return "", err
	}
	m.Log.Info("back to the inbox", "job", j.ID, "name", j.Inbox.String(), "reason", d.Reason)
	source, dir := pipeline.JobFile(j.ID, folder.Source()), path.Join(pipeline.Inbox, path.Dir(string(j.Inbox)))
	if err := m.FS.MkdirAll(dir); err != nil {
		return "", err
	}
	names, err := m.FS.List(dir)
	if err != nil {
		return "", err
	}
	st, err := m.FS.Stat(source)
	if err != nil {
		return "", err
	}
	for n := 1; ; n++ {
		name := path.Join(dir, pipeline.Numbered(j.Name(), n))
		taken := contains(names, name) || contains(names, sidecarName(name))
		if taken { // unless by a link that was made before, by one who died then: that is the name we want
			if same, err := m.same(st, name); err != nil {
				return "", err
			} else if !same {
				continue
			}
		}
		ours, err := m.linkBack(j.ID, source, name)
		switch {
		case errors.Is(err, fs.ErrPermission) && m.unlinked(source): // of another user, who may not be linked: protected_hardlinks, proc(5)
			unique := path.Join(dir, pipeline.Marked(j.Name(), j.ID))
			return m.moveSource(ctx, j, path.Dir(unique), path.Base(unique))
		case err != nil:
			return "", err
		case !ours:
			continue
		}
		if err := m.FS.DurableForeign(name); err != nil {
			return "", err
		}
		return pipeline.RawName(name), errors.Join(m.FS.Remove(source), m.FS.Remove(pipeline.SidecarOf(j.ID)))
	}
}

// unlinked tells that a file has no name but this one, as far as can be seen: no link of it was made.
func (m *Master) unlinked(name string) bool {
	st, err := m.FS.Stat(name)
	return err == nil && links(st) == 1
}

// linkBack gives a source a name in the inbox, its settings first, as `distenc add` does.
func (m *Master) linkBack(job, source, name string) (ours bool, err error) {
	settings := sidecarName(name)
	ours, err = m.FS.Publish(pipeline.SidecarOf(job), settings)
	none := errors.Is(err, fs.ErrNotExist)
	if err != nil && !none || err == nil && !ours {
		return false, err
	}
	if ours, err = m.FS.Publish(source, name); (err != nil || !ours) && !none {
		return ours, errors.Join(err, m.FS.Remove(settings)) // they would be taken for another file's
	}
	return ours, err
}

// rejectJob puts the source of a failed or cancelled job into failed/, with the reason and the log.
func (m *Master) rejectJob(ctx context.Context, j *pipeline.Job, d *pipeline.Decision) (pipeline.RawName, error) {
	folder, err := pipeline.LookInto(m.FS, j.ID)
	if err != nil || folder.Source() == "" {
		return "", err
	}
	log := fmt.Sprintf("job %s, %s by %s\n%s", j.ID, d.Act, d.By, m.logOf(j.ID))
	dst, err := m.putIntoFailed(ctx, pipeline.JobFile(j.ID, folder.Source()), j.Name(), d.Reason, log)
	if err != nil {
		return dst, err
	}
	m.takeSettingsAlong(ctx, pipeline.SidecarOf(j.ID), dst)
	return dst, nil
}

// takeSettingsAlong moves a source's own settings to where the source is now, for one who tries it again.
func (m *Master) takeSettingsAlong(ctx context.Context, sidecar string, source pipeline.RawName) {
	if _, err := m.FS.Move(ctx, sidecar, sidecarName(string(source))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.Log.Warn("a source's settings stay where they were", "source", source.String(), "error", err)
	}
}

// rejectFile puts a file of the inbox into failed/ with the reason.
func (m *Master) rejectFile(ctx context.Context, name string, why *pipeline.Refusal) error {
	m.Log.Warn("rejected", "name", pipeline.RawName(name).String(), "reason", why.Reason)
	log := why.Reason
	if why.Err != nil {
		log = why.Err.Error()
	}
	dst, err := m.putIntoFailed(ctx, name, path.Base(name), why.Reason, log)
	if err != nil {
		return err
	}
	m.takeSettingsAlong(ctx, sidecarName(name), dst)
	return nil
}

// logName is the log beside a rejected source.
const logName = "log.txt"

// putIntoFailed moves a source to failed/<name>/<name>, the texts beside it first, and returns where it is.
func (m *Master) putIntoFailed(ctx context.Context, source, name, reason, log string) (pipeline.RawName, error) {
	dir, err := m.failedFolder(name)
	if err != nil {
		return "", err
	}
	dst := path.Join(dir, name)
	err = m.FS.Create(path.Join(dir, pipeline.ReasonName), []byte(reason+"\n"))
	if err == nil {
		err = m.FS.Create(path.Join(dir, logName), []byte(log+"\n"))
	}
	if err == nil {
		_, err = m.FS.MoveOnce(ctx, source, dst)
	}
	if err != nil {
		// Only our two texts are removed, by name: the source may have landed there all the same.
		return "", errors.Join(err, m.FS.Remove(path.Join(dir, pipeline.ReasonName)), m.FS.Remove(path.Join(dir, logName)), m.FS.RemoveDir(dir))
	}
	return pipeline.RawName(dst), m.FS.DurableForeign(dst)
}

// failedFolder makes a folder of its own for one rejected source.
func (m *Master) failedFolder(name string) (string, error) {
	for n := 1; ; n++ {
		dir := path.Join(pipeline.FailedDir, pipeline.NumberedFolder(name, n))
		created, err := m.FS.Mkdir(dir)
		if created || err != nil {
			return dir, err
		}
	}
}
