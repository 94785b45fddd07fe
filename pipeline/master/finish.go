package master

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"syscall"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/merge"
)

// mergeTries is how often a merge may fail for no reason that is known to pass before the job fails.
const mergeTries = 3

// merge merges the accepted results (T11) and decides for the output (T12).
func (m *Master) merge(ctx context.Context, j *job, chunks []pipeline.ChunkFile) func() {
	err := m.mergeAndDecide(ctx, j.Job, j.plan, chunks)
	return func() {
		var bad *merge.BadChunk
		switch {
		case err == nil:
			j.errors = 0
		case ctx.Err() != nil:
		case errors.As(err, &bad):
			m.Log.Warn("an accepted result went bad, the chunk is encoded again", "chunk", chunks[bad.Index].ID(), "error", err)
			m.reject(chunks[bad.Index], err)
		case !lastingError(err):
			m.later(j, "cannot merge now", err)
		default:
			m.later(j, "cannot merge", err)
			if j.errors++; j.errors >= mergeTries {
				m.startDecide(j, pipeline.Decision{Act: "failed", Reason: "Merging failed: " + err.Error()})
			}
		}
	}
}

// lastingError tells errors that trying again would not mend from a full disk or a share in trouble, which
// says so with an error of the operating system, whichever it is.
func lastingError(err error) bool {
	var errno syscall.Errno
	return !pipeline.NoSpace(err) && !errors.As(err, &errno)
}

func (m *Master) mergeAndDecide(ctx context.Context, j *pipeline.Job, plan *pipeline.Plan, chunks []pipeline.ChunkFile) error {
	records := make([]pipeline.Record, len(chunks))
	for i, c := range chunks {
		r, err := pipeline.LoadRecord(m.FS, c)
		if errors.Is(err, fs.ErrNotExist) {
			return &merge.BadChunk{Index: i, Reason: "its record is gone"}
		}
		if err != nil {
			return err
		}
		records[i] = *r
	}
	nonce := pipeline.Nonce(12)
	started := time.Now()
	merged, err := m.Stages.Merge(ctx, j, plan, chunks, records, pipeline.JobOut(j.ID, nonce))
	if err != nil {
		_ = m.FS.Remove(pipeline.JobOut(j.ID, nonce)) // ours alone; what stays is swept with the job
		return err
	}
	m.Log.Info("merged and verified", "job", j.ID, "chunks", len(chunks), "seconds", int(time.Since(started).Seconds()))
	if err := m.FS.Create(pipeline.JobOut(j.ID, nonce+".json"), merged.Certificate); err != nil {
		return err
	}
	if err := m.FS.Create(pipeline.JobOut(j.ID, nonce+".txt"), []byte(merged.Report)); err != nil {
		return err
	}
	if changed, err := m.changed(&job{Job: j}); err != nil || changed {
		if changed {
			_, err = m.decide(&job{Job: j}, changedDecision)
		}
		return err
	}
	_, err = m.decide(&job{Job: j}, pipeline.Decision{Act: "publish", Out: nonce, CRC32: merged.CRC32})
	return err
}

// finish carries out a job's decision (T13), whoever made it. Every step may have been done before.
func (m *Master) finish(ctx context.Context, j *job) func() {
	act, err := m.carryOut(ctx, j.Job)
	if err == nil {
		m.tellEnd(j.ID)
	}
	return func() {
		if err == nil && act == "failed" {
			m.failed++
		}
		if err != nil && ctx.Err() == nil {
			m.later(j, "cannot finish", err)
		}
	}
}

func (m *Master) carryOut(ctx context.Context, j *pipeline.Job) (act string, err error) {
	d, err := pipeline.LoadDecision(m.FS, j.ID)
	if err != nil {
		return "", err
	}
	// A decision that a power loss of the file server undid would let another one be made.
	if err := m.FS.Durable(pipeline.JobFile(j.ID, "decision")); err != nil {
		return d.Act, err
	}
	closed := pipeline.Closed{Act: d.Act}
	switch {
	case d.Act == "publish":
		closed.Source, err = m.publish(ctx, j, d)
	case d.Return:
		closed.Source, err = m.giveBack(ctx, j, d)
	default:
		closed.Source, err = m.rejectJob(ctx, j, d)
	}
	if err == nil {
		err = m.sweep(j.ID)
	}
	if err != nil {
		return d.Act, err
	}
	b, err := json.Marshal(closed)
	if err != nil {
		return d.Act, err
	}
	return d.Act, m.writeOnce(pipeline.JobFile(j.ID, pipeline.ClosedName), append(b, '\n'))
}

// publish gives the decided output its name in the outbox and puts the source away.
func (m *Master) publish(ctx context.Context, j *pipeline.Job, d *pipeline.Decision) (source pipeline.RawName, err error) {
	out := pipeline.JobOut(j.ID, d.Out)
	for _, text := range [][2]string{{".json", pipeline.CertificateName}, {".txt", pipeline.ReportName}} {
		if _, err := m.FS.Publish(out+text[0], pipeline.JobFile(j.ID, text[1])); err != nil {
			if !errors.Is(err, fs.ErrNotExist) { // swept by another master that went on before us
				return "", err
			}
		}
	}
	dir, err := pipeline.LookInto(m.FS, j.ID)
	if err != nil {
		return "", err
	}
	if !dir.Published() {
		if err := m.publishOutput(j, d, out); err != nil {
			return "", err
		}
	}
	return m.putAway(ctx, j)
}

// publishOutput gives the output its name and writes down which.
func (m *Master) publishOutput(j *pipeline.Job, d *pipeline.Decision, out string) error {
	st, err := m.FS.Stat(out)
	if err != nil {
		return err
	}
	folder := path.Join(pipeline.Outbox, path.Dir(string(j.Inbox)))
	if err := m.FS.MkdirAll(folder); err != nil {
		return err
	}
	name, err := m.outputName(folder, pipeline.OutputName(j.Name(), j.Settings.Container, d.CRC32), out, st)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(pipeline.Published{
		Output: pipeline.RawName(path.Join(path.Dir(string(j.Inbox)), path.Base(name))), CRC32: d.CRC32, Size: st.Size(), Time: time.Now().UTC(),
	}, "", "  ")
	if err != nil {
		return err
	}
	m.Log.Info("published", "job", j.ID, "output", pipeline.RawName(name).String(), "crc32", d.CRC32)
	return m.writeOnce(pipeline.JobFile(j.ID, pipeline.PublishedName), append(b, '\n'))
}

// outputName links the output into the outbox under the first name that is free. An output with two
// links was published before, by one who died before writing it down: its name is looked up, and if it
// is not in its folder any more, a person has taken it already.
func (m *Master) outputName(folder, want, out string, st fs.FileInfo) (string, error) {
	if links(st) > 1 {
		names, err := m.FS.List(folder)
		if err != nil {
			return "", err
		}
		for _, n := range names {
			if m.same(st, path.Join(folder, n)) {
				return path.Join(folder, n), nil
			}
		}
		return path.Join(folder, want), nil
	}
	for n := 1; ; n++ {
		name := path.Join(folder, pipeline.Numbered(want, n))
		if ours, err := m.FS.Publish(out, name); err != nil {
			return "", err
		} else if ours {
			return name, m.FS.Durable(name)
		}
	}
}

func (m *Master) same(st fs.FileInfo, name string) bool {
	other, err := m.FS.Stat(name)
	return err == nil && sharefs.SameFile(st, other)
}

func links(st fs.FileInfo) uint64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}

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
	for n := 1; ; n++ {
		name := path.Join(dir, pipeline.Numbered(j.Name(), n))
		ours, err := m.FS.Publish(source, name)
		switch {
		case errors.Is(err, fs.ErrPermission): // of another user, who may not be linked: protected_hardlinks, proc(5)
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
		return pipeline.RawName(name), m.FS.Remove(source)
	}
}

// rejectJob puts the source of a failed or cancelled job into failed/, with the reason and the log.
func (m *Master) rejectJob(ctx context.Context, j *pipeline.Job, d *pipeline.Decision) (pipeline.RawName, error) {
	folder, err := pipeline.LookInto(m.FS, j.ID)
	if err != nil || folder.Source() == "" {
		return "", err
	}
	dir, err := m.failedFolder(j.Name())
	if err != nil {
		return "", err
	}
	if err := m.writeReason(dir, d.Reason, fmt.Sprintf("job %s, %s by %s\n%s", j.ID, d.Act, d.By, m.logOf(j.ID))); err != nil {
		return "", err
	}
	return m.moveSource(ctx, j, dir, j.Name())
}

// rejectFile puts a file of the inbox into failed/ with the reason.
func (m *Master) rejectFile(ctx context.Context, name string, why *pipeline.Refusal) error {
	m.Log.Warn("rejected", "name", pipeline.RawName(name).String(), "reason", why.Reason)
	dir, err := m.failedFolder(path.Base(name))
	if err != nil {
		return err
	}
	log := why.Reason
	if why.Err != nil {
		log = why.Err.Error()
	}
	if err = m.writeReason(dir, why.Reason, log); err == nil {
		_, err = m.FS.Move(ctx, name, path.Join(dir, path.Base(name)))
	}
	if err != nil {
		// Only our two texts are removed by name: the file may have landed there all the same.
		return errors.Join(err, m.FS.Remove(path.Join(dir, pipeline.ReasonName)), m.FS.Remove(path.Join(dir, logName)), m.FS.RemoveDir(dir))
	}
	if _, err := m.FS.Move(ctx, sidecarName(name), path.Join(dir, path.Base(sidecarName(name)))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.Log.Debug("the sidecar stays in the inbox", "name", name, "error", err)
	}
	return nil
}

// failedFolder makes a folder of its own for one rejected source.
func (m *Master) failedFolder(name string) (string, error) {
	for n := 1; ; n++ {
		dir := path.Join(pipeline.FailedDir, name)
		if n > 1 {
			dir = fmt.Sprintf("%s (%d)", dir, n)
		}
		created, err := m.FS.Mkdir(dir)
		if created || err != nil {
			return dir, err
		}
	}
}

// logName is the log beside a rejected source.
const logName = "log.txt"

func (m *Master) writeReason(dir, reason, log string) error {
	if err := m.FS.Create(path.Join(dir, pipeline.ReasonName), []byte(reason+"\n")); err != nil {
		return err
	}
	return m.FS.Create(path.Join(dir, logName), []byte(log+"\n"))
}

// writeOnce writes a text that is whole wherever it is seen; one that is there already stays.
func (m *Master) writeOnce(name string, data []byte) error {
	_, _, err := m.FS.PublishData(name, data)
	return err
}
