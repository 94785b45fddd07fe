package master

import (
	"errors"
	"io/fs"
	"sync"

	"github.com/distenc/distenc/pipeline"
)

// duplicate is the refusal that says where the same content went, and what to do with this copy. It is nil where a
// person has just ended that job, which this master may not have seen yet, and tries its source again.
func (m *Master) duplicate(twin string) error {
	dir, err := pipeline.ListFolder(m.FS, twin)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it is not on the share any more, nor does its output have to be
	}
	if err == nil && dir.Decision() {
		if d, err := pipeline.LoadDecision(m.FS, twin); err == nil && !d.Act.Publishes() {
			return nil
		}
	}
	const advice = "delete this copy, or encode it once more with `distenc add --again`."
	p, err := pipeline.LoadPublished(m.FS, twin)
	why := pipeline.Refuse("The same content is in work already with the same settings, as job %s: "+advice, twin)
	if err == nil {
		why = pipeline.Refuse("The same content was encoded already with the same settings, as %s/%s (job %s): "+advice,
			pipeline.Outbox, p.Output, twin)
	}
	why.Twin = twin
	return why
}

// content is what makes two dropped files duplicates: the same bytes and the same settings.
type content struct {
	crc32    string
	size     int64
	settings pipeline.Settings
}

func contentOf(j *pipeline.Job) content {
	s := j.Settings
	// What does not change the output does not make two orders different.
	s.Profile, s.Pieces, s.Disposal, s.Chunk, s.Dates = "", "", "", 0, false
	return content{crc32: j.CRC32, size: j.Size, settings: s}
}

// twinOf returns the job in work or done that has the content of another one, or "".
func twinOf(known *sync.Map, j *pipeline.Job) string {
	twin, _ := known.Load(contentOf(j))
	id, _ := twin.(string)
	return id
}
