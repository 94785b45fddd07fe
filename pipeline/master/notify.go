package master

import (
	"context"
	"errors"
	"io/fs"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// toldName begins the names of the files in a job's folder that say that Ended was called. Their creation
// is exclusive: of all masters, in all their lives, one calls it, and none calls it twice.
const toldName = "told"

// announceEnd has Ended called for a job that has ended.
func (m *Master) announceEnd(job string) { m.callEnded(job, toldName) }

// announceAside has Ended called for a job that can't go on without a person, once for each time that a chunk
// of it is set aside while none was before.
func (t *term) announceAside(j *job, chunks pipeline.JobChunks) {
	failed := chunks.In(pipeline.Failed)
	if t.Ended == nil || len(failed) == 0 || j.chunks.announced {
		j.chunks.announced = len(failed) > 0
		return
	}
	marker := toldName + "." + failed[0].Stem()
	j.chunks.announced = background(t, "tell", j, func(_ context.Context, w *jobTask) struct{} {
		w.callEnded(w.job.ID, marker)
		return struct{}{}
	}, func(struct{}) {})
}

func (m *Master) callEnded(job, marker string) {
	if m.Ended == nil {
		return
	}
	err := m.FS.Create(pipeline.JobFile(job, marker), nil)
	if errors.Is(err, fs.ErrExist) {
		return
	}
	var st pipeline.JobStatus
	if err == nil {
		st, err = status.ReadJob(m.FS, job)
	}
	if err != nil {
		m.Log.Warn("cannot announce that a job has ended", "job", job, "error", err)
		return
	}
	m.Ended(st)
}
