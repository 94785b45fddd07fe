package master

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// finish carries out a job's decision (T13), whoever made it. Every step may have been done before.
func (m *Master) finish(ctx context.Context, j *job) func() {
	act, err := m.carryOut(ctx, j)
	if err == nil {
		m.tellEnd(j.ID)
	}
	return func() {
		if err == nil && act == pipeline.ActFailed {
			m.failed++
		}
		if errors.Is(err, errOutputGone) && j.gone.seen(m.gap()) > max(m.Terms.Expiry, staleNames) {
			j.lost = true // no stale listing lasts that long
		}
		if err != nil && ctx.Err() == nil {
			m.later(j, "cannot finish", err)
		}
	}
}

func (m *Master) carryOut(ctx context.Context, j *job) (act pipeline.Act, err error) {
	d, err := pipeline.LoadDecision(m.FS, j.ID)
	if err != nil {
		return "", err
	}
	// A decision that a power loss of the file server undid would let another one be made.
	if err := m.FS.Durable(pipeline.JobFile(j.ID, pipeline.DecisionName)); err != nil {
		return d.Act, err
	}
	if j.lost {
		d.Act, d.Reason = pipeline.ActFailed, "The finished output was removed before it could be published."
	}
	closed := pipeline.Closed{Act: d.Act, Reason: d.Reason}
	switch {
	case d.Act == pipeline.ActPublish:
		closed.Source, err = m.publish(ctx, j, d)
	case d.Return:
		closed.Source, err = m.giveBack(ctx, j.Job, d)
	default:
		closed.Source, err = m.rejectJob(ctx, j.Job, d)
	}
	if err == nil {
		err = m.sweep(j.ID)
	}
	if err != nil {
		return d.Act, err
	}
	return d.Act, status.Close(m.FS, j.ID, closed)
}

// publish gives the decided output its name in the outbox and puts the source away.
func (m *Master) publish(ctx context.Context, j *job, d *pipeline.Decision) (source pipeline.RawName, err error) {
	out := pipeline.JobOut(j.ID, d.Out)
	for _, text := range [][2]string{{".json", pipeline.CertificateName}, {".txt", pipeline.ReportName}} {
		if _, err := m.FS.Publish(out+text[0], pipeline.JobFile(j.ID, text[1])); err != nil {
			if !errors.Is(err, fs.ErrNotExist) { // swept by another master that went on before us
				return "", err
			}
		}
	}
	dir, err := pipeline.ListFolder(m.FS, j.ID)
	if err != nil {
		return "", err
	}
	if !dir.Published() {
		if err := m.publishOutput(ctx, j.Job, d, out); err != nil {
			return "", err
		}
	}
	return m.putAway(ctx, j)
}

// errOutputGone is for an output that was decided for and is not there any more.
var errOutputGone = errors.New("the output that was to be published is gone")

// publishOutput gives the output its name and writes down which.
func (m *Master) publishOutput(ctx context.Context, j *pipeline.Job, d *pipeline.Decision, out string) error {
	st, err := m.FS.Stat(out)
	if errors.Is(err, fs.ErrNotExist) {
		return errOutputGone
	}
	if err != nil {
		return err
	}
	folder := path.Join(pipeline.Outbox, path.Dir(string(j.Inbox)))
	if err := m.FS.MkdirAll(folder); err != nil {
		return err
	}
	name, err := m.outputName(ctx, folder, pipeline.OutputName(j.Name(), j.Settings.Container, d.CRC32), out)
	if err != nil {
		return err
	}
	m.bring(ctx, j, name)
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
// links may have been published before, by one who died before writing it down: its name is looked up.
// If it is not there, the other link is a backup's, or a person was quicker than we: published twice is
// better than not at all.
func (m *Master) outputName(ctx context.Context, folder, want, out string) (string, error) {
	name, err := m.FS.OtherName(out, folder, pipeline.AsNumbered(want))
	if name == "" && err == nil {
		err = pipeline.FirstFree(ctx, func(n int) (bool, error) {
			name = path.Join(folder, pipeline.Numbered(want, n))
			return m.FS.Publish(out, name)
		})
	}
	if err != nil {
		return "", err
	}
	return name, m.FS.Durable(name)
}

// writeOnce writes a text that is whole wherever it is seen; one that is there already stays.
func (m *Master) writeOnce(name string, data []byte) error {
	_, _, err := m.FS.PublishData(name, data)
	return err
}
