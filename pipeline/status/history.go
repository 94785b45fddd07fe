package status

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// Close writes down that a job has ended and how it stands then. Only the leading master calls it, once
// nothing is left to do; what another one has written stays.
func Close(f *sharefs.FS, id string, c pipeline.Closed) error {
	if st, err := NewCache().describe(f, id); err == nil && decided(f, id, &c, &st) {
		wishes(f, &st)
		whole(f, &st)
		st.Closed, c.Job = true, &st
	}
	return c.Publish(f, id)
}

// Seed takes over the jobs of an earlier answer that nothing changes any more, however that answer came
// here: a share's history can be long.
func (k *Cache) Seed(s *Status) {
	for _, j := range s.Jobs {
		if j.Closed && pipeline.ValidJob(j.ID) {
			k.closed[j.ID] = j
		}
	}
}

// recheck is in how many reads a job that has ended is looked at once more: another part of them each time.
const recheck = 64

// ended returns the status of a job that has ended: the last answer's, or what its master wrote down for all
// who ask. A person may put an older copy of a job's folder back, so the folder is looked at again where the job
// has chunks, and now and then.
func (k *Cache) ended(f *sharefs.FS, id string, chunks pipeline.JobChunks) (pipeline.JobStatus, bool) {
	if st, ok := k.closed[id]; ok {
		if len(chunks) == 0 && !k.due {
			return st, true
		}
		if _, err := f.Stat(pipeline.JobFile(id, pipeline.ClosedName)); !errors.Is(err, fs.ErrNotExist) {
			return st, true
		}
		delete(k.closed, id)
		return pipeline.JobStatus{}, false
	}
	if k.jobs[id] != nil {
		return pipeline.JobStatus{}, false // it was not closed at the last look: its folder is listed anyway
	}
	return k.end(f, id)
}

// end reads how a job ended and remembers it. No plan is read for that.
func (k *Cache) end(f *sharefs.FS, id string) (pipeline.JobStatus, bool) {
	c, err := pipeline.LoadClosed(f, id)
	if err != nil {
		return pipeline.JobStatus{}, false
	}
	st := c.Job
	if st == nil {
		old, err := k.describe(f, id)
		if err != nil || !decided(f, id, c, &old) {
			return pipeline.JobStatus{}, false
		}
		st = &old
	}
	if st.OutputSize == 0 && st.State == pipeline.Done { // an older version closed it
		if p, err := pipeline.LoadPublished(f, id); err == nil {
			st.OutputSize = p.Size
		}
	}
	st.ID, st.Closed, st.Source = id, true, c.Source.String()
	k.closed[id] = *st
	delete(k.plans, id)
	delete(k.pins, id)
	delete(k.jobs, id)
	delete(k.records, id)
	return *st, true
}

// decided fills the status of a job that has its decision; false while the output is not yet out. closed is
// nil while something is left to do: what a job came to is not what was decided should the output have been lost.
func decided(f *sharefs.FS, id string, closed *pipeline.Closed, st *pipeline.JobStatus) bool {
	d, err := pipeline.LoadDecision(f, id)
	if err != nil {
		return false
	}
	if closed != nil && closed.Act != "" {
		d.Act, d.Reason = closed.Act, closed.Reason
	}
	st.Decided = true
	if info, err := f.Stat(pipeline.JobFile(id, pipeline.DecisionName)); err == nil {
		st.Ended = info.ModTime().UTC()
	}
	st.Notes = d.Notes
	switch d.Act {
	case pipeline.ActFailed:
		st.State, st.Error = pipeline.JobFailed, d.Reason
	case pipeline.ActCancelled:
		st.State, st.Error = pipeline.Cancelled, d.Reason
		if d.Return {
			st.Error = "Given back to the inbox: " + d.Reason
		}
	case pipeline.ActPublish, pipeline.ActSkipped:
		p, err := pipeline.LoadPublished(f, id)
		if err != nil {
			return false
		}
		st.State, st.Output, st.OutputSize = pipeline.Done, pipeline.Outbox+"/"+p.Output.String(), p.Size
		if d.Act == pipeline.ActSkipped {
			st.State, st.Skipped = pipeline.Skipped, d.Reason
		}
	}
	return true
}

// whole fills in what the plan knows of a job whose output is out. A plan can be long, so that none is read of a
// job that was closed.
func whole(f *sharefs.FS, st *pipeline.JobStatus) {
	if st.State != pipeline.Done {
		return
	}
	if plan, err := pipeline.LoadPlan(f, st.ID); err == nil {
		n := len(plan.Chunks)
		if !plan.Settings.Quality.None() {
			st.Quality = certified(f, st.ID)
		}
		st.Notes = slices.Concat(plan.Notes, st.Notes)
		st.Chunks, st.Frames = pipeline.Counts{Total: n, Done: n}, pipeline.Progress{Total: plan.Frames, Done: plan.Frames}
	}
}
