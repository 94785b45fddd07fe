package stages

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/merge"
)

// Skip implements master.Stages.
func (s *Media) Skip(
	j *pipeline.Job, p *pipeline.Plan, records []*pipeline.Record, why string,
) (*master.Merged, error) {
	name := pipeline.RawName(j.Name()).String()
	b, err := json.MarshalIndent(merge.CertifySource(p, records, name, why, time.Now().UTC()), "", "  ")
	if err != nil {
		return nil, err
	}
	n, bytes := 0, int64(0)
	for _, r := range records {
		if r != nil {
			n, bytes = n+1, bytes+r.Size
		}
	}
	report := fmt.Sprintf(`source    %s
          %d bytes, CRC-32 %s
output    the source itself, unchanged
settings  profile %s: %s %s
          max_size %s
taken in  %s by %s

skipped: %s.
         what was encoded until then, %d of %d chunks, has %d bytes, and is removed
`, name, j.Size, j.CRC32, j.Settings.Profile, j.Settings.Encoder, j.Settings.Options, j.Settings.MaxSize,
		j.Created.Format(time.RFC3339), j.Master, why, n, len(p.Chunks), bytes)
	return &master.Merged{CRC32: j.CRC32, Certificate: append(b, '\n'), Report: report + s.asked(j.ID)}, nil
}
