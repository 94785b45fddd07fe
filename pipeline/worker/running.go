package worker

import (
	"sync"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// running are the tasks of all slots. Safe for concurrent use.
type running struct {
	mu    sync.Mutex
	tasks map[string]*Task // by chunk id
	rate  rate
}

func (r *running) add(t *Task) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tasks == nil {
		r.tasks = map[string]*Task{}
	}
	r.tasks[t.File.ID()] = t
}

func (r *running) remove(t *Task) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tasks[t.File.ID()] == t { // another slot can have another copy of the chunk
		delete(r.tasks, t.File.ID())
	}
	r.rate.ended(t.File.Job, t.frames.Load())
}

// has reports whether the chunk, whichever copy of it, is encoded here.
func (r *running) has(c pipeline.ChunkFile) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tasks[c.ID()] != nil
}

func (r *running) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.tasks)
}

// threads returns those of all encodes.
func (r *running) threads() (sum int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.tasks {
		sum += t.Threads
	}
	return sum
}

// owed returns how many bytes of memory the encodes may still take.
func (r *running) owed() (bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.tasks {
		bytes += max(0, t.Plan.Memory.Of(t.Threads)-t.memory())
	}
	return bytes
}

// measure returns how far each chunk is, by its id, and the frames a second that come out of each job.
func (r *running) measure(now time.Time) (chunks map[string]pipeline.Encoding, jobs map[string]float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	chunks, since, running := map[string]pipeline.Encoding{}, now, map[string]int64{}
	for id, t := range r.tasks {
		frames := t.frames.Load()
		fps := float64(frames) / max(0.001, now.Sub(t.started).Seconds())
		chunks[id] = pipeline.Encoding{Frames: int(frames), Total: t.Chunk.PTS.Len(), FPS: fps}
		running[t.File.Job] += frames
		if t.started.Before(since) {
			since = t.started
		}
	}
	return chunks, r.rate.sample(now, since, running)
}
