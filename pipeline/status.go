package pipeline

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
)

// Status is what `distenc status --json` prints. Fields are added, never renamed.
type Status struct {
	Share    string       `json:"share"`
	Read     time.Time    `json:"read"`              // when, by the clock of the machine that looked
	Trouble  string       `json:"trouble,omitempty"` // what is wrong with the share itself, in one sentence
	Master   *MasterInfo  `json:"master"`            // null while no master was seen
	Jobs     []JobStatus  `json:"jobs"`
	Nodes    []NodeStatus `json:"nodes"`
	Inbox    []Waiting    `json:"inbox"`    // what no master has taken yet
	Rejected []Rejected   `json:"rejected"` // files that no job was made of, the latest first
	Free     int64        `json:"free_bytes"`
}

// Waiting is a file in the inbox. The readers of the share fill it in: what is complete is the watcher's to say.
type Waiting struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Why  string `json:"why,omitempty"` // it is left alone because …
	// Companion tells that it is no film but goes with one, as Why says.
	Companion bool `json:"companion,omitempty"`
	// Settles is about how long until it has stood still, by two machines' clocks; 0: it has, or that is not known.
	Settles int `json:"settle_seconds,omitempty"`
	// What the settings beside it say.
	Whole    bool `json:"whole,omitempty"` // `distenc add` put it there: it need not stand still first
	Paused   bool `json:"paused,omitempty"`
	Priority int  `json:"priority,omitempty"`
}

// Rejected is a file in failed/ that never became a job.
type Rejected struct {
	Name   string    `json:"name"`   // of its folder below failed/
	Folder string    `json:"folder"` // below inbox/, where it was dropped; "" for inbox/ itself
	Reason string    `json:"reason"`
	Time   time.Time `json:"time"`
}

// MasterInfo is who leads.
type MasterInfo struct {
	Node   string    `json:"node"`
	Since  time.Time `json:"since"`
	Seen   int       `json:"seen_seconds"`
	Silent bool      `json:"silent,omitempty"` // not heard of for a few heartbeats
}

// JobStatus is one job as people see it.
type JobStatus struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`             // escaped where it is not UTF-8
	Folder   string    `json:"folder"`           // below inbox/, where it was dropped; "" for inbox/ itself
	Source   string    `json:"source,omitempty"` // where on the share the source of one that has ended was put; people may have moved it on
	CRC32    string    `json:"crc32"`
	Profile  string    `json:"profile"`
	State    JobState  `json:"state"`
	Chunks   Counts    `json:"chunks"`
	Frames   Progress  `json:"frames"`
	FPS      float64   `json:"fps"`
	ETA      int       `json:"eta_seconds"` // 0 when done or not known
	Output   string    `json:"output"`      // below the share's root, "" until published
	Error    string    `json:"error"`
	Waits    string    `json:"waits,omitempty"` // why no node that is there takes its chunks
	Paused   bool      `json:"paused"`
	Priority int       `json:"priority"`
	Nonce    string    `json:"nonce,omitempty"`
	Decided  bool      `json:"decided"` // its end is decided; a failed job that is not can be retried where it stands
	Created  time.Time `json:"created"`
	Ended    time.Time `json:"ended,omitzero"`
	Size     int64     `json:"size"`             // bytes of the source
	Closed   bool      `json:"closed,omitempty"` // nothing of this will change any more
	Expiries int       `json:"expiries"`         // of the retries, those whose worker fell silent
	Retries  int       `json:"retries"`          // attempts that came to nothing: failed, or their worker fell silent; not what was handed back
	Notes    []string  `json:"notes,omitempty"`  // what a person should know of the source and of what becomes of it
	Failures []Failure `json:"failures,omitempty"`
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
	Node    string    `json:"node"`
	Host    string    `json:"host"`
	Slots   int       `json:"slots"`
	Cores   int       `json:"cores"`
	Load    float64   `json:"load"`
	Chunks  []string  `json:"chunks"`
	FPS     float64   `json:"fps"`
	Seen    int       `json:"seen_seconds"`
	State   string    `json:"state"` // a node's own word, or NodeSilent
	Why     string    `json:"why,omitempty"`
	Version string    `json:"version"`
	Encoder string    `json:"encoder"`
	Since   time.Time `json:"since"`
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
	s := &Status{Share: f.Root(), Read: time.Now().UTC(), Jobs: []JobStatus{}, Nodes: []NodeStatus{}, Inbox: []Waiting{}}
	quiet, expiry := SilenceLimits(f)
	present := slices.DeleteFunc(slices.Clone(nodes), func(n SeenNode) bool { return n.Seen >= quiet })
	plans := map[string]*Plan{}
	for _, id := range ids {
		if !ValidJob(id) {
			continue
		}
		if j, ok := known.job(f, id, survey.Job(id), present); ok {
			s.Jobs, plans[id] = append(s.Jobs, j), known.plans[id]
		}
	}
	sort.Slice(s.Jobs, func(a, b int) bool {
		return cmp.Or(s.Jobs[a].Created.Compare(s.Jobs[b].Created), cmp.Compare(s.Jobs[a].ID, s.Jobs[b].ID)) < 0
	})
	s.foretell(survey, plans, present)
	held := survey.held()
	for _, n := range nodes {
		if n.Seen >= quiet {
			n.Chunks = held[n.Node.Node]
		}
		s.Nodes = append(s.Nodes, n.status(quiet, expiry))
	}
	s.Rejected, err = known.rejectedFiles(f, s.Jobs)
	return s, err
}

// ReadJob reads the state of one job; fs.ErrNotExist where there is none.
func ReadJob(f *sharefs.FS, id string) (JobStatus, error) {
	survey, err := Look(f)
	if err != nil {
		return JobStatus{}, err
	}
	if st, ok := NewStatusCache().job(f, id, survey.Job(id), nil); ok {
		return st, nil
	}
	return JobStatus{}, fmt.Errorf("cannot read the job %s: %w", id, fs.ErrNotExist)
}

// SilenceLimits returns the silence after which people are told that nothing is heard of a daemon, and the expiry, after
// which its work is given to others: the share's own where they can be read.
func SilenceLimits(f *sharefs.FS) (suspect, expiry time.Duration) {
	terms := lease.Terms{Heartbeat: 10 * time.Second, Expiry: 2 * time.Minute}
	if info, err := LoadCluster(f); err == nil {
		if agreed, err := info.Terms(); err == nil {
			terms = agreed
		}
	}
	return min(terms.SuspectAfter(), terms.Expiry), terms.Expiry
}

// foretell fills in when the jobs that are in work will end, by the nodes that are there.
func (s *Status) foretell(survey *Survey, plans map[string]*Plan, present []SeenNode) {
	var open []work
	for _, j := range slices.SortedStableFunc(slices.Values(s.Jobs), func(a, b JobStatus) int { return b.Priority - a.Priority }) {
		if p := plans[j.ID]; p != nil && !j.Decided {
			open = append(open, p.work(j.Paused, survey.Job(j.ID), present))
		}
	}
	ends := forecast(open, present)
	for i := range s.Jobs {
		if end, known := ends[s.Jobs[i].ID]; known {
			s.Jobs[i].ETA = int(end.Seconds()) + 1
		}
	}
}

// work is what is left of the plan.
func (p *Plan) work(paused bool, chunks *JobChunks, nodes []SeenNode) work {
	w := work{job: p.Job, effort: p.Settings.Effort(), pixels: p.Pixels(), paused: paused}
	running := inWork(nodes)
	for i, c := range chunks.Strongest(len(p.Chunks)) {
		open := openChunk{frames: p.Chunks[i].PTS.Len()}
		switch c.State {
		case Nowhere, Pending:
		case Claimed:
			open.node, open.done = c.Node, min(running[c.ID()].Frames, open.frames)
		case Committed, Accepted, Failed:
			continue
		}
		w.open = append(w.open, open)
	}
	return w
}

// inWork is what the nodes say of the chunks they encode.
func inWork(nodes []SeenNode) map[string]Encoding {
	all := map[string]Encoding{}
	for _, n := range nodes {
		maps.Copy(all, n.Chunks)
	}
	return all
}

func (n SeenNode) status(quiet, expiry time.Duration) NodeStatus {
	st := NodeStatus{
		Node: n.Node.Node, Host: n.Host, Slots: n.Slots, Cores: n.Cores, Load: n.Load, FPS: n.FPS, Seen: int(n.Seen.Seconds()),
		State: n.State, Why: n.Why, Version: n.Version, Encoder: n.Encoder, Since: n.Since, Chunks: []string{},
	}
	if n.Seen >= quiet {
		st.State, st.FPS = NodeSilent, 0
		st.Why = "no sign of life: killed, switched off, cut off, or its clock is wrong"
		if len(n.Chunks) > 0 {
			st.Why += fmt.Sprintf("; what it had in work goes to others after %s of silence", expiry)
		}
	}
	for id := range n.Chunks {
		st.Chunks = append(st.Chunks, id)
	}
	sort.Strings(st.Chunks)
	return st
}
