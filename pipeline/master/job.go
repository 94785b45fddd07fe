package master

import (
	"sort"
	"sync/atomic"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// job is a live job in this master's memory: nothing in it can't be found again on the share.
type job struct {
	*pipeline.Job
	aside   int  // chunks set aside
	told    bool // that it waits for a person
	scan    Scan
	sighted atomic.Pointer[identity] // the source when it was last known to be what was taken in
	plan    *pipeline.Plan
	proven  proven
	nowhere map[int]*patience    // with chunks that no listing has
	unseen  map[string]*patience // with committed chunks whose result can't be seen yet
	surplus map[string]*patience // with free copies of accepted chunks
	bad     []badResult          // found, and not yet sent back
	judged  map[int]int          // the attempt up to which a chunk's failures were weighed
	errors  int                  // merges that failed in a row
	rest    time.Time            // no step before this time
	looked  time.Time            // whether the source changed, while chunks are set aside
	absent  patience             // with a source that is not in the folder
	gone    patience             // with a decided output that is not there
	lost    bool                 // that output will not come back
	// finished tells that this master has begun to carry out the job's decision.
	finished bool
	ready    *ready          // what the merge needs of the source, once no chunk is free any more
	unmade   map[int]bool    // chunks that were never made: only the plan's own master knows
	copied   map[string]bool // silent claims, by stem, of which a second copy was freed
}

// proven are the records of the results that this master has checked, by stem: what a result must still be when
// it is merged, whatever has become of its record on the share.
type proven map[string]*pipeline.Record

func sortJobs(jobs []*job) {
	sort.Slice(jobs, func(a, b int) bool {
		x, y := jobs[a], jobs[b]
		if x.Priority != y.Priority {
			return x.Priority > y.Priority
		}
		if !x.Created.Equal(y.Created) {
			return x.Created.Before(y.Created)
		}
		return x.ID < y.ID
	})
}
