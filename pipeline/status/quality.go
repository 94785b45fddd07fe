package status

import (
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// maxRecords bounds how many records of a job are read at one look.
const maxRecords = 100

// scores sums up how the chunks of a job scored that are accepted; nil where no quality was asked for.
func (k *Cache) scores(f *sharefs.FS, plan *pipeline.Plan, chunks []pipeline.ChunkFile) *pipeline.Scores {
	if plan.Demand().Metric == "" {
		return nil
	}
	known, all := map[string]pipeline.Record{}, make([]pipeline.Record, len(chunks))
	read := 0
	for i, c := range chunks {
		if c.State != pipeline.Accepted {
			continue
		}
		r, ok := k.records[plan.Job][c.Stem()]
		if !ok && read < maxRecords {
			read++
			full, err := pipeline.LoadRecord(f, c)
			if ok = err == nil; ok {
				r = pipeline.Record{Frames: full.Frames, Quality: full.Quality}
			}
		}
		if all[i] = r; ok {
			known[c.Stem()] = r
		}
	}
	k.records[plan.Job] = known
	return pipeline.ScoresOf(plan, all)
}

// certified is what the certificate of a published output says of its quality; nil where none was asked for.
func certified(f *sharefs.FS, id string) *pipeline.Scores {
	var c struct{ Quality *pipeline.Scores }
	if pipeline.ReadJSON(f, pipeline.JobFile(id, pipeline.CertificateName), maxDocument, &c) != nil {
		return nil // a person removed it, or it is of a version that knew none
	}
	return c.Quality
}
