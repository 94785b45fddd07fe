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
		if d, err := pipeline.LoadDecision(m.FS, twin); err == nil && d.Act != pipeline.ActPublish {
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
	s.Profile, s.Pieces, s.Disposal, s.Chunk = "", "", "", 0
	return content{crc32: j.CRC32, size: j.Size, settings: s}
}

// index is what is in work or done, by content. Safe for concurrent use.
type index struct {
	mu   sync.Mutex
	jobs map[content]string
}

func newIndex() *index { return &index{jobs: map[content]string{}} }

func (x *index) add(c content, job string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.jobs[c] = job
}

// drop forgets a content, if it is known as this job's.
func (x *index) drop(c content, job string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.jobs[c] == job {
		delete(x.jobs, c)
	}
}

// find returns the job with this content, or "".
func (x *index) find(c content) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.jobs[c]
}
