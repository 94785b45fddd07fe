package worker

import (
	"maps"
	"time"
)

// rateWindow is over how long the speed that people see is measured. A chunk's own speed would be no truth:
// its first frames come quickly, and then it is checked, stored and accepted.
const rateWindow = time.Minute

// rate measures how many frames of each job come out in a second. The zero value is ready.
type rate struct {
	done    map[string]int64 // frames of tasks that have ended, by job
	samples []sample         // the oldest first
	quiet   int              // looks in a row that found nothing in work
}

// sample is how many frames there were at a time.
type sample struct {
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

// look takes a sample and returns the frames a second by job. running are the frames of the tasks in work,
// by job; since is when the first of them began.
func (r *rate) look(now, since time.Time, running map[string]int64) map[string]float64 {
	if len(running) > 0 {
		r.quiet = 0
	} else if r.quiet++; r.quiet > 1 || len(r.samples) == 0 { // one look may fall between two chunks
		*r = rate{}
		return nil
	}
	if len(r.samples) == 0 {
		r.samples = append(r.samples, sample{since, maps.Clone(r.done)})
	}
	all := maps.Clone(r.done)
	if all == nil {
		all = map[string]int64{}
	}
	for job, n := range running {
		all[job] += n
	}
	for len(r.samples) > 1 && now.Sub(r.samples[1].at) >= rateWindow {
		r.samples = r.samples[1:]
	}
	first := r.samples[0]
	r.samples = append(r.samples, sample{now, all})
	fps, seconds := map[string]float64{}, now.Sub(first.at).Seconds()
	for job, n := range all {
		if n > first.frames[job] && seconds > 0 {
			fps[job] = float64(n-first.frames[job]) / seconds
		}
	}
	return fps
}
