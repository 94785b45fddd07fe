package pipeline

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"

	"github.com/distenc/distenc/lease/sharefs"
)

// Closed is what is left to know of a job that has ended.
type Closed struct {
	Act    Act     `json:"act"`
	Reason string  `json:"reason,omitempty"`
	Source RawName `json:"source,omitempty"` // where on the share its source was put; people may have moved it on
	// Job is how the job stood at its end, for those who list a long history. For display only, and nil where
	// an older version closed the job.
	Job *JobStatus `json:"job,omitempty"`
}

// LoadClosed reads how a job ended; fs.ErrNotExist while it has not.
func LoadClosed(f *sharefs.FS, id string) (*Closed, error) {
	c := &Closed{}
	return c, ReadJSON(f, JobFile(id, ClosedName), maxSmall, c)
}

// Publish writes down that a job has ended and how it stands then. Only the leading master calls it, once
// nothing is left to do; what another one has written stays.
func (c Closed) Publish(f *sharefs.FS, id string) error {
	if st, err := NewStatusCache().describe(f, id); err == nil && decided(f, id, &c, &st) {
		st.wishes(f)
		st.whole(f)
		st.Closed, c.Job = true, &st
	}
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if len(b) > maxSmall/2 && c.Job != nil { // the failures' own files still tell
		c.Job.Failures = nil
		if b, err = json.Marshal(c); err != nil {
			return err
		}
	}
	_, _, err = f.PublishData(JobFile(id, ClosedName), append(b, '\n'))
	return err
}

// Seed takes over the jobs of an earlier answer that nothing changes any more, however that answer came
// here: a share's history can be long.
func (k *StatusCache) Seed(s *Status) {
	for _, j := range s.Jobs {
		if j.Closed && ValidJob(j.ID) {
			k.closed[j.ID] = j
		}
	}
}

// recheck is in how many looks a job that has ended is looked at once more, on average.
const recheck = 64

// ended returns the status of a job that has ended: the last answer's, or what its master wrote down for all
// who ask. A person may put an older copy of a job's folder back, so the folder is looked at again where the job
// has chunks, and now and then.
func (k *StatusCache) ended(f *sharefs.FS, id string, chunks *JobChunks) (JobStatus, bool) {
	if st, ok := k.closed[id]; ok {
		if len(chunks.Files) == 0 && rand.IntN(recheck) != 0 {
			return st, true
		}
		if _, err := f.Stat(JobFile(id, ClosedName)); !errors.Is(err, fs.ErrNotExist) {
			return st, true
		}
		delete(k.closed, id)
		return JobStatus{}, false
	}
	if k.jobs[id] != nil {
		return JobStatus{}, false // it was not closed at the last look: its folder is listed anyway
	}
	return k.end(f, id)
}

// end reads how a job ended and remembers it. No plan is read for that.
func (k *StatusCache) end(f *sharefs.FS, id string) (JobStatus, bool) {
	c, err := LoadClosed(f, id)
	if err != nil {
		return JobStatus{}, false
	}
	st := c.Job
	if st == nil {
		old, err := k.describe(f, id)
		if err != nil || !decided(f, id, c, &old) {
			return JobStatus{}, false
		}
		st = &old
	}
	st.ID, st.Closed, st.Source = id, true, c.Source.String()
	k.closed[id] = *st
	delete(k.plans, id)
	delete(k.jobs, id)
	return *st, true
}

// decided fills the status of a job that has its decision; false while the output is not yet out. closed is
// nil while something is left to do: what a job came to is not what was decided should the output have been lost.
func decided(f *sharefs.FS, id string, closed *Closed, st *JobStatus) bool {
	d, err := LoadDecision(f, id)
	if err != nil {
		return false
	}
	if closed != nil && closed.Act != "" {
		d.Act, d.Reason = closed.Act, closed.Reason
	}
	st.Decided = true
	if info, err := f.Stat(JobFile(id, decisionName)); err == nil {
		st.Ended = info.ModTime().UTC()
	}
	switch d.Act {
	case ActFailed:
		st.State, st.Error = JobFailed, d.Reason
	case ActCancelled:
		st.State, st.Error = Cancelled, d.Reason
		if d.Return {
			st.Error = "Given back to the inbox: " + d.Reason
		}
	case ActPublish:
		p, err := LoadPublished(f, id)
		if err != nil {
			return false
		}
		st.State, st.Output = Done, Outbox+"/"+p.Output.String()
	}
	return true
}

// whole fills in what the plan knows of a job whose output is out. A plan can be long, so that none is read of a
// job that was closed.
func (st *JobStatus) whole(f *sharefs.FS) {
	if st.State != Done {
		return
	}
	if plan, err := LoadPlan(f, st.ID); err == nil {
		n := len(plan.Chunks)
		st.Notes = plan.Notes
		st.Chunks, st.Frames = Counts{Total: n, Done: n}, Progress{Total: plan.Frames, Done: plan.Frames}
	}
}
