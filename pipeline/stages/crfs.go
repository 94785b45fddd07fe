package stages

import (
	"sync"

	"github.com/distenc/distenc/pipeline"
)

// crfs are the CRFs that gave chunks the wanted quality on this node: what is near in the film is often alike. The zero
// value is ready. Safe for concurrent use.
type crfs struct {
	mu   sync.Mutex
	jobs map[string]map[int]float64 // by job and chunk
}

// maxJobs limits the jobs that are remembered.
const maxJobs = 8

// near returns the CRF of the nearest chunk, 0 if none is known.
func (c *crfs) near(job string, chunk int) (crf float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	nearest := -1
	for n, found := range c.jobs[job] {
		if d := max(n-chunk, chunk-n); nearest < 0 || d < nearest {
			nearest, crf = d, found
		}
	}
	return crf
}

// know remembers a chunk's. One at a limit tells nothing of others.
func (c *crfs) know(job string, chunk int, found pipeline.Scored) {
	if found.CRF == 0 || found.Limit {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.jobs[job]; c.jobs == nil || !known && len(c.jobs) >= maxJobs {
		c.jobs = map[string]map[int]float64{}
	}
	if c.jobs[job] == nil {
		c.jobs[job] = map[int]float64{}
	}
	c.jobs[job][chunk] = found.CRF
}
