package worker

import (
	"strings"
	"sync"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

const (
	// paceFor is how long a sample of the others' pace is good for.
	paceFor = 3 * time.Minute
	// peersAsked limits the others that are asked for their pace: with paces from 1 to 10, the mean of ten is off
	// by a sixth, that of five by a fifth, and their median by a third.
	peersAsked = 10
	// maxPeers limits the nodes whose last beat is remembered.
	maxPeers = 1000
)

// peers is what this worker knows of other nodes. Safe for concurrent use.
type peers struct {
	share *sharefs.FS
	self  string

	mu    sync.Mutex
	asked time.Time // when a sample of them was asked for its pace
	job   string    // at this job, and what is done of it
	pace  float64   // frames a second and slot, their mean
	beats map[string]beat
}

// beat is when a node's file was last seen to change, by this process's clock.
type beat struct {
	seq int64
	at  time.Time
}

// names lists the other nodes, by their files.
func (p *peers) names() (nodes []string) {
	names, err := p.share.List(pipeline.Nodes)
	if err != nil {
		return nil
	}
	for _, n := range names {
		if node, ok := strings.CutSuffix(n, ".json"); ok && node != p.self {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// claims lists the claims of other nodes.
func (p *peers) claims() (claims []pipeline.ChunkFile) {
	names, err := p.share.List(pipeline.ClaimedDir)
	if err != nil {
		return nil
	}
	for _, n := range names {
		if c, ok := pipeline.ParseClaimed(n); ok && c.Node != p.self {
			claims = append(claims, c)
		}
	}
	return claims
}

// meanPace returns the others' pace at a plan, by a sample of those that have its build; 0 if none is known.
func (p *peers) meanPace(plan *pipeline.Plan, build pipeline.Build) float64 {
	p.mu.Lock()
	work := plan.Job + " " + plan.Effort()
	if p.job != work && plan.Pace.Mean > 0 { // its master has asked them all
		p.job, p.asked, p.pace = work, time.Now(), plan.Pace.Mean
	}
	fresh, pace := p.job == work && time.Since(p.asked) < paceFor, p.pace
	p.mu.Unlock()
	if fresh {
		return pace
	}
	sum, known := 0.0, 0.0
	others := shuffled(p.names())
	for _, name := range others[:min(len(others), peersAsked)] {
		n, err := pipeline.LoadNode(p.share, name)
		if err != nil || !n.Encodes(build, plan.Demand()) {
			continue
		}
		if pace := status.Pace(n, plan); pace > 0 {
			sum, known = sum+pace, known+1
		}
	}
	if known == 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.job, p.asked, p.pace = work, time.Now(), sum/known
	return p.pace
}

// silent reports whether a node's file has not changed for three heartbeats, as seen from here.
func (p *peers) silent(n *pipeline.Node, heartbeat time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, known := p.beats[n.Node]
	if known && last.seq == n.Seq {
		return time.Since(last.at) > 3*heartbeat
	}
	if p.beats == nil || len(p.beats) > maxPeers {
		p.beats = map[string]beat{}
	}
	p.beats[n.Node] = beat{n.Seq, time.Now()}
	return false
}
