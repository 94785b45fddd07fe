package worker

import (
	"slices"

	"github.com/distenc/distenc/pipeline"
)

// last reports whether no other chunk follows a job's free ones, which are no more than a chunk for each slot. Behind
// the job come these.
func (w *Worker) last(free []pipeline.ChunkFile, behind []string) bool {
	return w.Machine.lastThreads() > w.Machine.Threads && len(free) <= w.Slots && !w.backoff.expects() &&
		!slices.ContainsFunc(behind, func(job string) bool { return len(w.free(job)) > 0 })
}

// threads returns those of an encode of the plan, if there is memory for them. As long as a chunk is left for each
// slot, more threads than cores only cost. The last ones get more: each takes over the cores that others leave idle. A
// film whose size is limited keeps to the usual ones, with which its bytes were foretold.
func (w *Worker) threads(plan *pipeline.Plan, last bool) int {
	if last && plan.Settings.Size.None() {
		return w.Machine.lastThreads()
	}
	return w.Machine.Threads
}

// lastThreads are those of an encode that no other follows.
func (m Machine) lastThreads() int { return min(m.Cores, lastTimes*m.Threads) }

// lastTimes is how many times the usual threads an encode has that no other follows: of eight that end one after the
// other, the last two then still keep eight cores busy.
const lastTimes = 4
