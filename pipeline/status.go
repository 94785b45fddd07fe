package pipeline

import (
	"sort"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// Status is what `distenc status --json` prints. Fields are added, never renamed.
type Status struct {
	Share  string       `json:"share"`
	Master *MasterInfo  `json:"master"` // null while no master was seen
	Jobs   []JobStatus  `json:"jobs"`
	Nodes  []NodeStatus `json:"nodes"`
}

// MasterInfo is who leads.
type MasterInfo struct {
	Node  string    `json:"node"`
	Since time.Time `json:"since"`
}

// JobStatus is one job as people see it.
type JobStatus struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"` // escaped where it is not UTF-8
	CRC32    string    `json:"crc32"`
	Profile  string    `json:"profile"`
	State    JobState  `json:"state"`
	Chunks   Counts    `json:"chunks"`
	Frames   Progress  `json:"frames"`
	FPS      float64   `json:"fps"`
	ETA      int       `json:"eta_seconds"` // 0 when done or not known
	Output   string    `json:"output"`      // below the share's root, "" until published
	Error    string    `json:"error"`
	Paused   bool      `json:"paused"`
	Priority int       `json:"priority"`
	Nonce    string    `json:"nonce,omitempty"`
	Decided  bool      `json:"decided"` // its end is decided; a failed job that is not can be retried where it stands
	Created  time.Time `json:"created"`
}

// Counts are a job's chunks by state; pending counts those not yet split too, done those accepted.
type Counts struct {
	Total   int `json:"total"`
	Pending int `json:"pending"`
	Claimed int `json:"claimed"`
	Done    int `json:"done"`
	Failed  int `json:"failed"`
}

// Progress counts frames, those of running chunks included.
type Progress struct {
	Total int `json:"total"`
	Done  int `json:"done"`
}

// NodeStatus is one worker as people see it.
type NodeStatus struct {
	Node   string   `json:"node"`
	Slots  int      `json:"slots"`
	Chunks []string `json:"chunks"`
	FPS    float64  `json:"fps"`
	Seen   int      `json:"seen_seconds"`
	State  string   `json:"state"`
	Why    string   `json:"why,omitempty"`
}

// ReadStatus reads the whole share's state. It changes nothing and needs no master. known may be nil, or
// the last answer's cache: finished jobs and plans do not change and are not read twice.
func ReadStatus(f *sharefs.FS, known *StatusCache) (*Status, error) {
	if known == nil {
		known = NewStatusCache()
	}
	ids, err := f.List(Jobs)
	if err != nil {
		return nil, err
	}
	survey, err := Look(f)
	if err != nil {
		return nil, err
	}
	nodes, err := LoadNodes(f)
	if err != nil {
		return nil, err
	}
	s := &Status{Share: f.Root(), Jobs: []JobStatus{}, Nodes: []NodeStatus{}}
	for _, id := range ids {
		if !ValidJob(id) {
			continue
		}
		if j, ok := known.job(f, id, survey.Job(id), nodes); ok {
			s.Jobs = append(s.Jobs, j)
		}
	}
	sort.Slice(s.Jobs, func(a, b int) bool { return s.Jobs[a].Created.Before(s.Jobs[b].Created) })
	for _, n := range nodes {
		s.Nodes = append(s.Nodes, n.status())
	}
	return s, nil
}

func (n SeenNode) status() NodeStatus {
	st := NodeStatus{Node: n.Node.Node, Slots: n.Slots, FPS: n.FPS, Seen: int(n.Seen.Seconds()), State: n.State, Why: n.Why, Chunks: []string{}}
	for id := range n.Chunks {
		st.Chunks = append(st.Chunks, id)
	}
	sort.Strings(st.Chunks)
	return st
}

// StatusCache keeps what can't change between two calls of ReadStatus. Not safe for concurrent use.
type StatusCache struct {
	closed map[string]JobStatus
	plans  map[string]*Plan
	jobs   map[string]*Job
}

// NewStatusCache returns an empty cache.
func NewStatusCache() *StatusCache {
	return &StatusCache{closed: map[string]JobStatus{}, plans: map[string]*Plan{}, jobs: map[string]*Job{}}
}

// job tells one job's status; ok is false for a folder that is no job.
func (k *StatusCache) job(f *sharefs.FS, id string, chunks *JobChunks, nodes []SeenNode) (JobStatus, bool) {
	if st, ok := k.closed[id]; ok {
		return st, true
	}
	j := k.jobs[id]
	if j == nil {
		var err error
		if j, err = LoadJob(f, id); err != nil {
			return JobStatus{}, false
		}
		k.jobs[id] = j
	}
	st := JobStatus{
		ID: id, Name: RawName(j.Name()).String(), CRC32: j.CRC32, Profile: j.Settings.Profile, State: Planning,
		Priority: j.Priority, Nonce: j.Nonce, Created: j.Created,
	}
	dir, err := LookInto(f, id)
	if err != nil {
		return JobStatus{}, false
	}
	if c, err := ReadControl(f, id); err == nil {
		st.Paused = c.Paused
		if c.Priority != nil {
			st.Priority = *c.Priority
		}
	}
	if dir.Decision() && k.decided(f, id, dir, &st) || !dir.Plan() {
		return st, true
	}
	plan := k.plans[id]
	if plan == nil {
		if plan, err = LoadPlan(f, id); err != nil {
			st.Error = err.Error()
			return st, true
		}
		k.plans[id] = plan
	}
	st.fill(f, plan, chunks, nodes)
	return st, true
}

// decided fills the status of a job that has its decision; false while the output is not yet out.
func (k *StatusCache) decided(f *sharefs.FS, id string, dir Folder, st *JobStatus) bool {
	d, err := LoadDecision(f, id)
	if err != nil {
		return false
	}
	st.Decided = true
	switch d.Act {
	case "failed":
		st.State, st.Error = JobFailed, d.Reason
	case "cancelled":
		st.State, st.Error = Cancelled, d.Reason
	case "publish":
		p, err := LoadPublished(f, id)
		if err != nil {
			return false
		}
		st.State, st.Output = Done, Outbox+"/"+p.Output.String()
		if plan, err := LoadPlan(f, id); err == nil {
			n := len(plan.Chunks)
			st.Chunks, st.Frames = Counts{Total: n, Done: n}, Progress{Total: plan.Frames, Done: plan.Frames}
		}
	}
	if dir.Closed() {
		k.closed[id] = *st
		delete(k.plans, id)
		delete(k.jobs, id)
	}
	return true
}

// fill counts the chunks and frames of a job that has a plan and no decision yet.
func (st *JobStatus) fill(f *sharefs.FS, plan *Plan, chunks *JobChunks, nodes []SeenNode) {
	st.Chunks.Total, st.Frames.Total = len(plan.Chunks), plan.Frames
	running := map[string]Encoding{}
	for _, n := range nodes {
		for id, e := range n.Chunks {
			running[id] = e
		}
	}
	st.State = stateOf(chunks.Strongest(len(plan.Chunks)))
	for i, c := range chunks.Strongest(len(plan.Chunks)) {
		switch c.State {
		case Accepted:
			st.Chunks.Done++
			st.Frames.Done += len(plan.Chunks[i].PTS)
		case Committed:
			st.Chunks.Claimed++
			st.Frames.Done += len(plan.Chunks[i].PTS)
		case Claimed:
			st.Chunks.Claimed++
			st.Frames.Done += min(running[c.ID()].Frames, len(plan.Chunks[i].PTS))
			st.FPS += running[c.ID()].FPS
		case Failed:
			st.Chunks.Failed++
			st.State = JobFailed
			st.Error = whySetAside(f, c)
		case Nowhere, Pending:
			st.Chunks.Pending++
		}
	}
	if st.FPS > 0 {
		st.ETA = int(float64(st.Frames.Total-st.Frames.Done)/st.FPS) + 1
	}
}

// stateOf names the state of a planned job by its chunks.
func stateOf(chunks []ChunkFile) JobState {
	accepted, nowhere := 0, 0
	for _, c := range chunks {
		switch c.State {
		case Accepted:
			accepted++
		case Nowhere:
			nowhere++
		}
	}
	switch {
	case accepted == len(chunks):
		return Merging
	case nowhere == len(chunks):
		return Splitting
	}
	return InWork
}

// whySetAside is the last report on a chunk that was set aside.
func whySetAside(f *sharefs.FS, c ChunkFile) string {
	reports, err := Failures(f, c)
	if err != nil || len(reports) == 0 {
		return "chunk " + c.ID() + " was set aside"
	}
	return "chunk " + c.ID() + " was set aside: " + reports[len(reports)-1].Reason
}
