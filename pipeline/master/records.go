package master

import (
	"context"
	"maps"

	"github.com/distenc/distenc/pipeline"
)

// acceptedRecords returns the records of a job's accepted results by their chunks, nil for the chunks that have none
// and for records that are lost, which the merge finds out. known: none is still to be read, as those of results that
// another master has accepted are.
func (t *term) acceptedRecords(j *job, state []pipeline.ChunkFile) (records []*pipeline.Record, known bool) {
	records = make([]*pipeline.Record, len(state))
	var unknown []pipeline.ChunkFile
	for i, c := range state {
		if c.State != pipeline.Accepted {
			continue
		}
		r := j.results.verified[c.Stem()]
		if r == nil {
			r = j.results.others[c.Stem()]
		}
		switch {
		case r == nil:
			unknown = append(unknown, c)
		case r.Extradata != "":
			records[i] = r
		}
	}
	if len(unknown) > 0 {
		t.readRecords(j, unknown)
	}
	return records, len(unknown) == 0
}

// readRecords reads the records of results that another master has accepted. An empty one stands for one that is lost.
func (t *term) readRecords(j *job, chunks []pipeline.ChunkFile) {
	background(t, "records", j, func(_ context.Context, w *jobTask) map[string]*pipeline.Record {
		read := map[string]*pipeline.Record{}
		for _, c := range chunks {
			r, err := pipeline.LoadRecordOf(w.FS, w.plan, c)
			switch {
			case err == nil:
				read[c.Stem()] = r
			case unread(err): // it is read at the next look
				w.Log.Debug("cannot read a record", "chunk", c.ID(), "error", err)
			default:
				read[c.Stem()] = &pipeline.Record{}
			}
		}
		return read
	}, func(read map[string]*pipeline.Record) {
		if j.results.others == nil {
			j.results.others = map[string]*pipeline.Record{}
		}
		maps.Copy(j.results.others, read)
	})
}
