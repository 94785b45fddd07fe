package worker

import (
	"slices"

	"github.com/distenc/distenc/pipeline"
)

// threads returns those of an encode of one of a job's free chunks; behind it come these jobs. As long as a chunk is
// left for each slot, more threads than cores only cost. The last ones get more: each takes over the cores that
// others leave idle.
func (w *Worker) threads(free []pipeline.ChunkFile, behind []string) int {
	usual := w.Machine.Threads
	last := min(w.Machine.Cores, lastThreads*usual)
	if last <= usual || len(free) > w.Slots || w.backoff.expects() ||
		slices.ContainsFunc(behind, func(job string) bool { return len(w.free(job)) > 0 }) {
		return usual
	}
	return last
}

// lastThreads is how many times the usual threads an encode has that no other follows: of eight that end one after the
// other, the last two then still keep eight cores busy.
const lastThreads = 4
