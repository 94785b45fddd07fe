// Package status reads how jobs, nodes and the inbox of a share stand, and foretells when jobs end. It changes nothing
// but for a job that has ended: Close writes down how that one stood.
package status

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/history"
)

// Status is what `distenc status --json` prints. Fields are added, never renamed.
type Status struct {
	Share    string               `json:"share"`
	Read     time.Time            `json:"read"`              // when, by the clock of the machine that looked
	Trouble  string               `json:"trouble,omitempty"` // what is wrong with the share itself, in one sentence
	Master   *Master              `json:"master"`            // null while no master was seen
	Jobs     []pipeline.JobStatus `json:"jobs"`
	Nodes    []Node               `json:"nodes"`
	Inbox    []Waiting            `json:"inbox"`    // what no master has taken yet
	Rejected []Rejected           `json:"rejected"` // files that no job was made of, the latest first
	Free     int64                `json:"free_bytes"`
	// Saved is how much smaller all outputs are than their sources; below zero: larger.
	Saved int64 `json:"saved_bytes"`
	// Resting are the machines that are asked to rest and have no node. A Reader fills it in.
	Resting []*pipeline.Rest `json:"resting_hosts,omitempty"`
	// History is what the share has encoded, also of jobs whose folders are gone. A Reader fills it in.
	History *history.History `json:"history,omitempty"`
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

// Master is who leads.
type Master struct {
	Node   string    `json:"node"`
	Since  time.Time `json:"since"`
	Seen   int       `json:"seen_seconds"`
	Silent bool      `json:"silent,omitempty"` // not heard of for a few heartbeats
}

// Node is one worker as people see it.
type Node struct {
	Node   string    `json:"node"`
	Host   string    `json:"host"`
	Slots  int       `json:"slots"`
	Cores  int       `json:"cores"`
	Load   float64   `json:"load"`
	Chunks []string  `json:"chunks"`
	FPS    float64   `json:"fps"`
	Seen   int       `json:"seen_seconds"`
	State  string    `json:"state"` // a node's own word, or NodeSilent
	Why    string    `json:"why,omitempty"`
	Since  time.Time `json:"since"`
	pipeline.Software
	NodeMemory
	// Asked is what people ask of its machine, also before it has heard of that. A Reader fills it in.
	Asked *pipeline.Rest `json:"asked_to_rest,omitempty"`
}

// Read reads the whole share's state. It changes nothing and needs no master. known may be nil, or
// the last answer's cache: finished jobs and plans do not change and are not read twice.
func Read(f *sharefs.FS, known *Cache) (*Status, error) {
	if known == nil {
		known = NewCache()
	}
	ids, err := f.List(pipeline.Jobs)
	if err != nil {
		return nil, err
	}
	survey, err := pipeline.TakeSurvey(f)
	if err != nil {
		return nil, err
	}
	nodes, err := pipeline.LoadNodes(f)
	if err != nil {
		return nil, err
	}
	s := &Status{Share: f.Root(), Read: time.Now().UTC(), Jobs: []pipeline.JobStatus{}, Nodes: []Node{},
		Inbox: []Waiting{}}
	quiet, expiry := pipeline.SilenceLimits(f)
	present := slices.DeleteFunc(slices.Clone(nodes), func(n pipeline.SeenNode) bool { return n.Seen >= quiet })
	plans := map[string]planned{}
	known.looks++
	for i, id := range ids {
		if !pipeline.ValidJob(id) {
			continue
		}
		known.due = (known.looks+i)%recheck == 0
		if j, ok := known.job(f, id, survey.Job(id), present, patience(expiry)); ok {
			s.Jobs, plans[id] = append(s.Jobs, j), planned{known.plans[id], known.pins[id]}
		}
	}
	sort.Slice(s.Jobs, func(a, b int) bool {
		return cmp.Or(s.Jobs[a].Created.Compare(s.Jobs[b].Created), cmp.Compare(s.Jobs[a].ID, s.Jobs[b].ID)) < 0
	})
	s.foretell(survey, plans, present)
	for _, j := range s.Jobs {
		if j.OutputSize > 0 {
			s.Saved += j.Size - j.OutputSize
		}
	}
	claimed := held(survey)
	for _, n := range nodes {
		if n.Seen >= quiet {
			n.Chunks = claimed[n.Node.Node]
		}
		st := nodeStatus(n, quiet, expiry)
		st.NodeMemory = s.memoryOf(n, plans)
		s.Nodes = append(s.Nodes, st)
	}
	s.Rejected, err = known.rejectedFiles(f, s.Jobs)
	return s, err
}

// ReadJob reads the state of one job; fs.ErrNotExist where there is none.
func ReadJob(f *sharefs.FS, id string) (pipeline.JobStatus, error) {
	survey, err := pipeline.TakeSurvey(f)
	if err != nil {
		return pipeline.JobStatus{}, err
	}
	if st, ok := NewCache().job(f, id, survey.Job(id), nil, 0); ok {
		return st, nil
	}
	return pipeline.JobStatus{}, fmt.Errorf("cannot read the job %s: %w", id, fs.ErrNotExist)
}

// foretell fills in when the jobs that are in work will end, by the nodes that are there.
func (s *Status) foretell(survey *pipeline.Survey, plans map[string]planned, present []pipeline.SeenNode) {
	var open []work
	for _, j := range slices.SortedStableFunc(slices.Values(s.Jobs),
		func(a, b pipeline.JobStatus) int { return b.Priority - a.Priority }) {
		if p := plans[j.ID]; p.Plan != nil && !j.Decided {
			open = append(open, remaining(p, j.Paused, survey.Job(j.ID), present))
			if p.Analysis != "" {
				open = append(open, encode(p, j.Paused))
			}
		}
	}
	ends := forecast(open, present)
	for i := range s.Jobs {
		if end, known := ends[s.Jobs[i].ID]; known {
			s.Jobs[i].ETA = int(end.Seconds()) + 1
		}
	}
}

// planned is a job's plan, and the builds that it was given.
type planned struct {
	*pipeline.Plan
	pins pipeline.Pins
}

// patience is how long a film waits for its build.
func patience(expiry time.Duration) time.Duration { return pipeline.BuildPatience * expiry }

// work is what is left of the plan.
func remaining(p planned, paused bool, chunks pipeline.JobChunks, nodes []pipeline.SeenNode) work {
	w := work{job: p.Job, effort: p.Effort(), pixels: p.Pixels(), paused: paused, able: map[string]bool{}}
	for _, n := range nodes {
		w.able[n.Node.Node] = n.Encodes(p.pins.Now(), p.Demand())
	}
	running := inWork(nodes)
	for i, c := range chunks.Strongest(p.Plan) {
		open := openChunk{frames: p.Chunks[i].PTS.Len()}
		switch c.State {
		case pipeline.Nowhere, pipeline.Pending:
		case pipeline.Claimed:
			open.node, open.done = c.Node, min(running[c.ID()].Frames, open.frames)
		case pipeline.Committed, pipeline.Accepted, pipeline.Failed:
			continue
		}
		w.open = append(w.open, open)
	}
	return w
}

// encode is what is to be encoded once the plan's analysis is done.
func encode(p planned, paused bool) work {
	w := work{job: p.Job, effort: p.Settings.Effort(), pixels: p.Pixels(), paused: paused}
	for i := range p.Chunks {
		w.open = append(w.open, openChunk{frames: p.Chunks[i].PTS.Len()})
	}
	return w
}

// inWork is what the nodes say of the chunks they encode.
func inWork(nodes []pipeline.SeenNode) map[string]pipeline.Encoding {
	all := map[string]pipeline.Encoding{}
	for _, n := range nodes {
		maps.Copy(all, n.Chunks)
	}
	return all
}

func nodeStatus(n pipeline.SeenNode, quiet, expiry time.Duration) Node {
	st := Node{
		Node: n.Node.Node, Host: n.Host, Slots: n.Slots, Cores: n.Cores, Load: n.Load, FPS: n.FPS,
		Seen:  int(n.Seen.Seconds()),
		State: n.State, Why: n.Why, Since: n.Since, Software: n.Software,
		Chunks: []string{},
	}
	if n.Seen >= quiet {
		st.State, st.FPS = pipeline.NodeSilent, 0
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

// held returns what each node has claimed, by the chunks' ids: its last word may be older than the loss of them.
func held(s *pipeline.Survey) map[string]map[string]pipeline.Encoding {
	held := map[string]map[string]pipeline.Encoding{}
	for _, job := range s.Jobs() {
		for _, c := range s.Job(job).In(pipeline.Claimed) {
			if held[c.Node] == nil {
				held[c.Node] = map[string]pipeline.Encoding{}
			}
			held[c.Node][c.ID()] = pipeline.Encoding{}
		}
	}
	return held
}
