package worker

import (
	"maps"
	"time"
)

// rateWindow is how far back the speed that people see is measured. A chunk's own speed would be no truth:
// its first frames come quickly, and then it is checked, stored and accepted.
const rateWindow = time.Minute

// rate measures how many frames of each job come out in a second. The zero value is ready.
type rate struct {
	done   map[string]int64 // frames of tasks that have ended, by job
	counts []count          // the oldest first
	empty  int              // samples in a row that found nothing in work
}

// count is how many frames there were at a time, by job.
type count struct {
	at     time.Time
	frames map[string]int64
}

// ended counts a task's frames for good.
func (r *rate) ended(job string, frames int64) {
	if r.done == nil {
		r.done = map[string]int64{}
	}
	r.done[job] += frames
}

// sample returns the frames a second by job. running are the frames of the tasks in work,
// by job; since is when the first of them began.
func (r *rate) sample(now, since time.Time, running map[string]int64) map[string]float64 {
	if len(running) > 0 {
		r.empty = 0
	} else if r.empty++; r.empty > 1 || len(r.counts) == 0 { // one look may fall between two chunks
		*r = rate{}
		return nil
	}
	if len(r.counts) == 0 {
		r.counts = append(r.counts, count{since, maps.Clone(r.done)})
	}
	all := maps.Clone(r.done)
	if all == nil {
		all = map[string]int64{}
	}
	for job, n := range running {
		all[job] += n
	}
	for len(r.counts) > 1 && now.Sub(r.counts[1].at) >= rateWindow {
		r.counts = r.counts[1:]
	}
	first := r.counts[0]
	r.counts = append(r.counts, count{now, all})
	fps, seconds := map[string]float64{}, now.Sub(first.at).Seconds()
	for job, n := range all {
		if n > first.frames[job] && seconds > 0 {
			fps[job] = float64(n-first.frames[job]) / seconds
		}
	}
	return fps
}
