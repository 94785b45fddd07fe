package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
)

// Node is nodes/<node>.json: what one worker says of itself at every heartbeat. It is read for display
// and for the choice of chunk counts; nothing that must be right depends on it.
type Node struct {
	Node string `json:"node"`
	Hardware
	Load   float64             `json:"load"`  // of the last minute, the encoders' own included
	State  string              `json:"state"` // NodeIdle, NodeEncoding or NodeResting
	Why    string              `json:"why,omitempty"`
	Chunks map[string]Encoding `json:"chunks"`
	FPS    float64             `json:"fps"`               // of the last minute, all slots together
	Jobs   map[string]float64  `json:"job_fps,omitempty"` // the same, by job
	Speed  map[string]Speed    `json:"speed,omitempty"`   // measured, by job
	Software
	Since time.Time `json:"since"`
	Seq   int64     `json:"seq"` // moves at every beat
}

// Hardware is what a node can encode with.
type Hardware struct {
	Host    string `json:"host"`
	Machine string `json:"machine,omitempty"` // its boot's id: clones have one host name
	Slots   int    `json:"slots"`
	Cores   int    `json:"cores,omitempty"`
	Threads int    `json:"threads,omitempty"` // of one encode
	Memory  int64  `json:"memory,omitempty"`  // bytes that programs there can have at most; 0: not known
}

// Software is what a node encodes by.
type Software struct {
	Version string   `json:"version"` // distenc's
	Encoder string   `json:"encoder"`
	Builds  []Offer  `json:"builds,omitempty"`  // of encoders, one for each that was tried
	Metrics []Metric `json:"metrics,omitempty"` // that its ffmpeg can measure
}

// The states of a node. NodeSilent is never written by the node itself: it is what others see of it.
const (
	NodeIdle     = "idle"
	NodeEncoding = "encoding"
	NodeResting  = "resting" // claims nothing; Node.Why says why
	NodeSilent   = "silent"  // not heard of for a few heartbeats
)

// Encoding is one chunk that a node has in work.
type Encoding struct {
	Frames int     `json:"frames"` // done so far
	Total  int     `json:"total"`
	FPS    float64 `json:"fps"` // since the chunk was begun
}

// Write rewrites the node's file; only the node itself calls it.
func (n *Node) Write(f *sharefs.FS) error {
	b, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	return f.Replace(nodeFile(n.Node), append(b, '\n'))
}

// Repeats reports whether the node has nothing to say that it did not say before; the machine's load moves all the
// time.
func (n *Node) Repeats(before *Node) bool {
	if before == nil {
		return false
	}
	now, then := *n, *before
	now.Seq, now.Load, then.Seq, then.Load = 0, 0, 0, 0
	return reflect.DeepEqual(now, then)
}

// Leave removes the node's file at the end of its life.
func (n *Node) Leave(f *sharefs.FS) error { return f.Remove(nodeFile(n.Node)) }

func nodeFile(node string) string { return Nodes + "/" + node + ".json" }

// SeenNode is a node's file and how long ago it was written, by the share's clock as far as it is known.
type SeenNode struct {
	Node
	Seen    time.Duration
	Written time.Time // by the share's clock: good for comparing with other files, not with this machine's time
}

// LoadNode reads one node's file.
func LoadNode(f *sharefs.FS, node string) (*Node, error) {
	n := &Node{}
	err := ReadJSON(f, nodeFile(node), maxSmall, n)
	if err == nil && (n.Node != node || !n.plausible()) {
		err = fmt.Errorf("%s is not what the node %s says", nodeFile(node), node)
	}
	return n, err
}

// LoadNodes reads all node files; unreadable ones are left out.
func LoadNodes(f *sharefs.FS) ([]SeenNode, error) {
	nodes, _, err := loadNodes(f)
	return nodes, err
}

// loadNodes tells in doubt why files that are there could not be read.
func loadNodes(f *sharefs.FS) (nodes []SeenNode, doubt, err error) {
	names, err := f.List(Nodes)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		n := SeenNode{}
		b, st, err := f.ReadStat(Nodes+"/"+name, maxSmall)
		if sharefs.Trouble(err) {
			doubt = err
		}
		if err != nil || json.Unmarshal(b, &n.Node) != nil || n.Node.Node+".json" != name || !n.plausible() {
			continue
		}
		n.Written = st.ModTime()
		n.Seen = max(0, time.Since(n.Written)) // two clocks: for display only
		nodes = append(nodes, n)
	}
	return nodes, doubt, nil
}

// Present reads the files of the nodes that are there: those that are not older than the newest of them by
// more than fresh, all by the share's own clock.
func Present(f *sharefs.FS, fresh time.Duration) ([]SeenNode, error) {
	nodes, doubt, err := loadNodes(f)
	if err = errors.Join(err, doubt); err != nil {
		return nil, err
	}
	var newest time.Time
	for _, n := range nodes {
		if n.Written.After(newest) {
			newest = n.Written
		}
	}
	return slices.DeleteFunc(nodes, func(n SeenNode) bool { return newest.Sub(n.Written) >= fresh }), nil
}

// Crew reads who is there to encode now; nobody where that can't be told.
func Crew(f *sharefs.FS) []SeenNode {
	quiet, _ := SilenceLimits(f)
	nodes, err := Present(f, quiet)
	if err != nil {
		return nil
	}
	return nodes
}

// ClusterInfo is .distenc/cluster.json: the share's marker, and what all nodes must agree on.
type ClusterInfo struct {
	Share     string `json:"share"` // fresh at `distenc init`: tells one share from another
	Heartbeat string `json:"heartbeat"`
	Expiry    string `json:"expiry"`
	Attempts  int    `json:"attempts"`
	Master    string `json:"master,omitempty"`
	Settle    string `json:"settle,omitempty"` // how long a file in the inbox stands still before it is taken, for people
}

// LoadCluster reads the marker; fs.ErrNotExist where there is no share.
func LoadCluster(f *sharefs.FS) (*ClusterInfo, error) {
	c := &ClusterInfo{}
	if err := ReadJSON(f, Cluster, maxSmall, c); err != nil {
		return nil, err
	}
	if c.Share == "" {
		return nil, fmt.Errorf("%s has no share id", Cluster)
	}
	return c, nil
}

// Terms returns heartbeat and expiry, and an error where the file does not hold usable ones.
func (c *ClusterInfo) Terms() (lease.Terms, error) {
	heartbeat, err := time.ParseDuration(c.Heartbeat)
	if err != nil {
		return lease.Terms{}, fmt.Errorf("%s: heartbeat: %w", Cluster, err)
	}
	expiry, err := time.ParseDuration(c.Expiry)
	if err != nil {
		return lease.Terms{}, fmt.Errorf("%s: expiry: %w", Cluster, err)
	}
	terms := lease.Terms{Heartbeat: heartbeat, Expiry: expiry}
	if err := terms.Check(); err != nil {
		return lease.Terms{}, fmt.Errorf("%s: %w", Cluster, err)
	}
	return terms, nil
}

// Write rewrites the marker; only the leading master calls it.
func (c *ClusterInfo) Write(f *sharefs.FS) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return f.Replace(Cluster, append(b, '\n'))
}

// SilenceLimits returns the silence after which people are told that nothing is heard of a daemon, and the expiry,
// after which its work is given to others: the share's own where they can be read.
func SilenceLimits(f *sharefs.FS) (suspect, expiry time.Duration) {
	terms := lease.Terms{Heartbeat: 10 * time.Second, Expiry: 2 * time.Minute}
	if info, err := LoadCluster(f); err == nil {
		if agreed, err := info.Terms(); err == nil {
			terms = agreed
		}
	}
	return min(terms.SuspectAfter(), terms.Expiry), terms.Expiry
}
