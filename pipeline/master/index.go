package master

import (
	"sync"

	"github.com/distenc/distenc/pipeline"
)

// content is what makes two dropped files duplicates: the same bytes and the same settings.
type content struct {
	crc32    string
	size     int64
	settings pipeline.Settings
}

func contentOf(j *pipeline.Job) content {
	s := j.Settings
	// What does not change the output does not make two orders different.
	s.Profile, s.Pieces, s.Keep, s.Chunk = "", "", "", 0
	return content{crc32: j.CRC32, size: j.Size, settings: s}
}

// index knows what is in work or done, by content. Safe for concurrent use.
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
