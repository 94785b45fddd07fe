package status

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// Cache keeps what can't change between two calls of Read. Not safe for concurrent use.
type Cache struct {
	looks    int  // how often the share was read
	due      bool // the next job that has ended is looked at once more
	closed   map[string]pipeline.JobStatus
	plans    map[string]*pipeline.Plan
	pins     map[string]pipeline.Pins
	jobs     map[string]*pipeline.Job
	records  map[string]map[string]pipeline.Record // of accepted chunks, by job and stem, as far as scores needs them
	reports  map[string]pipeline.Failure           // by file
	rejected map[string]Rejected                   // by folder and when something came or went in it
}

// NewCache returns an empty cache.
func NewCache() *Cache {
	return &Cache{
		closed: map[string]pipeline.JobStatus{}, jobs: map[string]*pipeline.Job{},
		records: map[string]map[string]pipeline.Record{},
		plans:   map[string]*pipeline.Plan{}, pins: map[string]pipeline.Pins{},
		reports: map[string]pipeline.Failure{}, rejected: map[string]Rejected{},
	}
}

// job tells one job's status; ok is false for a folder that is no job. patience is how long a job waits for its build.
func (k *Cache) job(f *sharefs.FS, id string, chunks pipeline.JobChunks, nodes []pipeline.SeenNode,
	patience time.Duration) (pipeline.JobStatus, bool) {
	if st, ok := k.ended(f, id, chunks); ok {
		return st, true
	}
	st, err := k.describe(f, id)
	if err != nil {
		return lost(id, err)
	}
	dir, err := pipeline.ListFolder(f, id)
	if err != nil {
		return pipeline.JobStatus{}, false
	}
	if dir.Closed() {
		if st, ok := k.end(f, id); ok {
			return st, true
		}
	}
	wishes(f, &st)
	if dir.Decision() && decided(f, id, nil, &st) {
		whole(f, &st)
		return st, true
	}
	settings := k.jobs[id].Settings
	analysis, planned := dir.Latest(settings)
	if !planned {
		return st, true
	}
	plan := k.plans[id]
	if plan == nil || plan.Analysis != analysis { // also an earlier one, after a file server lost the other with its power
		if plan, err = pipeline.LoadPlanFor(f, id, analysis); err != nil {
			st.Error = err.Error()
			if _, foreign := errors.AsType[*pipeline.FormatError](err); !foreign && !sharefs.System(err) {
				st.Error += fmt.Sprintf("; `distenc cancel %s`, then `distenc retry %[1]s`, begins anew", id)
			}
			return st, true
		}
		plan.ForgetTimes()
		k.plans[id], k.pins[id] = plan, nil
	}
	if k.pins[id] == nil || len(k.pins[id]) <= dir.Pins() {
		if pins, err := pipeline.LoadPins(f, plan, dir); err == nil {
			k.pins[id] = pins
		}
	}
	st.Notes, st.Build = plan.Notes, k.pins[id].Now().Version
	fill(f, &st, plan, chunks, nodes)
	st.Quality = k.scores(f, plan, chunks.Strongest(plan))
	if st.Chunks.Pending > 0 && plan.Encodes() {
		st.Waits = cmp.Or(k.pins[id].Waiting(plan.Demand(), nodes, patience),
			tooLarge(plan, having(nodes, k.pins[id].Now(), plan.Demand())))
	}
	return st, true
}

// lost is the status of a job whose job.json is damaged: nobody can go on with it. A folder that has none is no job.
func lost(id string, err error) (pipeline.JobStatus, bool) {
	return pipeline.JobStatus{ID: id, Name: id, State: pipeline.JobFailed, Decided: true, Error: fmt.Sprintf(
		"%v; move its source from %s into the inbox, and remove that folder", err, pipeline.JobDir(id)),
	}, !sharefs.System(err)
}

// describe is what is known of a job before anything becomes of it.
func (k *Cache) describe(f *sharefs.FS, id string) (pipeline.JobStatus, error) {
	j := k.jobs[id]
	if j == nil {
		var err error
		if j, err = pipeline.LoadJob(f, id); err != nil {
			return pipeline.JobStatus{}, err
		}
		k.jobs[id] = j
	}
	st := pipeline.JobStatus{
		ID: id, Name: pipeline.RawName(j.Name()).String(), State: pipeline.Planning,
		Origin:  pipeline.Origin{Folder: j.Inbox.Folder(), CRC32: j.CRC32, Profile: j.Settings.Profile},
		Asked:   pipeline.Asked{Priority: j.Priority, Nonce: j.Nonce},
		Created: j.Created, Size: j.Size,
	}
	st.Retries, st.Expiries, st.Failures = k.failures(f, id)
	return st, nil
}

// wishes fills in what people asked of the job.
func wishes(f *sharefs.FS, st *pipeline.JobStatus) {
	c, err := pipeline.ReadControl(f, st.ID)
	if err != nil {
		return
	}
	st.Paused = c.Paused
	if c.Priority != nil {
		st.Priority = *c.Priority
	}
}

// fill counts the chunks of a job that has a plan and no decision yet, and the frames that are encoded.
func fill(f *sharefs.FS, st *pipeline.JobStatus, plan *pipeline.Plan, chunks pipeline.JobChunks,
	nodes []pipeline.SeenNode) {
	st.Chunks.Total, st.Frames.Total = len(plan.Chunks), plan.Frames
	for _, n := range nodes {
		st.FPS += n.Jobs[plan.Job]
	}
	running, state := inWork(nodes), chunks.Strongest(plan)
	st.State = stateOf(plan, state)
	for i, c := range state {
		frames := 0
		switch c.State {
		case pipeline.Accepted:
			st.Chunks.Done++
			frames = plan.Chunks[i].PTS.Len()
		case pipeline.Committed:
			st.Chunks.Claimed++
			frames = plan.Chunks[i].PTS.Len()
		case pipeline.Claimed:
			st.Chunks.Claimed++
			frames = min(running[c.ID()].Frames, plan.Chunks[i].PTS.Len())
		case pipeline.Failed:
			st.Chunks.Failed++
			st.State = pipeline.JobFailed
			st.Error = whySetAside(f, c)
		case pipeline.Nowhere, pipeline.Pending:
			st.Chunks.Pending++
		}
		if plan.Analysis == "" {
			st.Frames.Done += frames
		}
	}
}

// having returns the nodes that have a build and do what a plan demands.
func having(nodes []pipeline.SeenNode, b pipeline.Build, d pipeline.Demand) []pipeline.SeenNode {
	return slices.DeleteFunc(slices.Clone(nodes), func(n pipeline.SeenNode) bool { return !n.Encodes(b, d) })
}

// stateOf names the state of a planned job by its chunks.
func stateOf(plan *pipeline.Plan, chunks []pipeline.ChunkFile) pipeline.JobState {
	if plan.Analysis != "" {
		return pipeline.Analysing
	}
	accepted, nowhere := 0, 0
	for _, c := range chunks {
		switch c.State {
		case pipeline.Accepted:
			accepted++
		case pipeline.Nowhere:
			nowhere++
		}
	}
	switch {
	case accepted == len(chunks):
		return pipeline.Merging
	case nowhere == len(chunks):
		return pipeline.Splitting
	}
	return pipeline.InWork
}

// whySetAside is the last report on a chunk that was set aside.
func whySetAside(f *sharefs.FS, c pipeline.ChunkFile) string {
	reports, err := pipeline.Failures(f, c)
	if err != nil || len(reports) == 0 {
		return "chunk " + c.ID() + " was set aside"
	}
	return "chunk " + c.ID() + " was set aside: " + reports[len(reports)-1].Reason
}

// maxFailures is how many of a job's failed attempts are told, the latest.
const maxFailures = 20

// failures reads the reports of a job's failed attempts, oldest first, and counts the attempts. Their logs
// are left on the share.
func (k *Cache) failures(f *sharefs.FS, id string) (attempts, expired int, all []pipeline.Failure) {
	names, err := f.List(pipeline.LogDir(id))
	if err != nil {
		return 0, 0, nil
	}
	for _, n := range names {
		name := pipeline.JobLog(id, n)
		r, known := k.reports[name]
		if !known {
			if r, err = pipeline.LoadReport(f, id, n); err != nil {
				continue
			}
			r.Log = ""
			k.reports[name] = r
		}
		all = append(all, r)
	}
	slices.SortStableFunc(all, func(a, b pipeline.Failure) int { return a.Reported.Compare(b.Reported) })
	attempts, expired = repeats(all)
	return attempts, expired, all[max(0, len(all)-maxFailures):]
}

// maxRejected is how many rejected files are told, the latest.
const maxRejected = 20

// rejectedFiles lists what is in failed/ that is not the source of a job, the latest first.
func (k *Cache) rejectedFiles(f *sharefs.FS, jobs []pipeline.JobStatus) ([]Rejected, error) {
	entries, err := f.Entries(pipeline.FailedDir)
	if err != nil {
		return nil, err
	}
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j pipeline.JobStatus) bool {
		return j.State.HasOutput() || j.Error == ""
	})
	isJobs := func(r Rejected) bool { // the folder's name may since have come to another file
		return slices.ContainsFunc(jobs, func(j pipeline.JobStatus) bool {
			return j.Error == r.Reason && (!j.Closed || path.Base(path.Dir(j.Source)) == r.Name)
		})
	}
	all, known := []Rejected{}, map[string]Rejected{}
	for _, e := range latestFirst(entries) {
		r, ok := k.rejected[e.key]
		if !ok {
			r = readRejected(f, e.Name())
		}
		known[e.key] = r
		if r.Reason != "" && !isJobs(r) {
			all = append(all, r)
		}
		if len(all) == maxRejected {
			break
		}
	}
	k.rejected = known
	slices.SortStableFunc(all, func(a, b Rejected) int { return b.Time.Compare(a.Time) })
	return all, nil
}

// changed is a folder with when something came or went in it, which key has too.
type changed struct {
	fs.DirEntry
	when time.Time
	key  string
}

// latestFirst returns the folders among the entries by when something came or went in them, so that of a long
// history only the end is read.
func latestFirst(entries []fs.DirEntry) []changed {
	var folders []changed
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.IsDir() {
			folders = append(folders, changed{e, info.ModTime(), fmt.Sprintf("%s/%d", e.Name(), info.ModTime().UnixNano())})
		}
	}
	slices.SortStableFunc(folders, func(a, b changed) int { return b.when.Compare(a.when) })
	return folders
}

func readRejected(f *sharefs.FS, folder string) Rejected {
	r := Rejected{Name: pipeline.RawName(folder).String()}
	if why, err := pipeline.LoadReject(f, folder); err == nil {
		r.Reason, r.Folder = why.Reason, why.Inbox.Folder()
	}
	if info, err := f.Stat(path.Join(pipeline.FailedDir, folder, pipeline.ReasonName)); err == nil {
		r.Time = info.ModTime().UTC()
	}
	return r
}

// repeats counts the attempts that came to nothing, by the reports of one job, and those of them whose worker fell
// silent. Work that was handed back is none of them, several masters can have reported one, and two files of a chunk
// can have attempts of one number.
func repeats(all []pipeline.Failure) (attempts, expired int) {
	type attempt struct {
		chunk, node string
		n           int
	}
	worst := map[attempt]float64{}
	for _, r := range all {
		if r.Weight > 0 {
			a := attempt{r.Chunk, r.Node, r.Attempt}
			worst[a] = max(worst[a], r.Weight)
		}
	}
	for _, weight := range worst {
		if weight < pipeline.WeightFailed {
			expired++
		}
	}
	return len(worst), expired
}
