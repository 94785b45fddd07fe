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

// tellEnd has Ended called for a job that has ended. Beside the main loop only.
func (m *Master) tellEnd(job string) { m.tell(job, toldName) }

// tellAside has Ended called for a job that can't go on without a person, once for each time that a chunk
// of it is set aside while none was before.
func (m *Master) tellAside(j *job, chunks *pipeline.JobChunks) {
	failed := chunks.In(pipeline.Failed)
	if m.Ended == nil || len(failed) == 0 || j.told {
		j.told = len(failed) > 0
		return
	}
	j.told = m.tasks.start("tell/"+j.ID, 2, func(context.Context) func() {
		m.tell(j.ID, toldName+"."+failed[0].Stem())
		return nil
	})
}

func (m *Master) tell(job, marker string) {
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
		m.Log.Warn("cannot tell that a job has ended", "job", job, "error", err)
		return
	}
	m.Ended(st)
}
