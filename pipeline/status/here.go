package status

import (
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// The states of a master, beside those of a node.
const (
	Leads    = "leads"
	StandsBy = "stands by"
)

// Daemon is one start of a master or worker, as its heartbeats on the share show it.
type Daemon struct {
	Node  string
	State string        // a worker's is a node's; it is pipeline.NodeSilent where nothing was heard of it for a while
	Seen  time.Duration // since its last heartbeat, by the share's clock: health checks decide by it
}

// DaemonsOf returns the masters and workers of a host, by the name that pipeline.Host returns there. Of those that were
// killed some are in it, as silent, until a master has swept their files. It reads little, whatever the farm has to do,
// and asks the share for its time. Where that can't be written this machine's has to do.
func DaemonsOf(f *sharefs.FS, host string) (all []Daemon, err error) {
	quiet, _ := pipeline.SilenceLimits(f)
	now, err := pipeline.ShareTime(f)
	if err != nil { // a full share makes no daemon ill, nor does a reader without the right to write
		now = time.Now()
	}
	add := func(node, state string, beat time.Time) {
		if pipeline.NodeHost(node) != host {
			return
		}
		seen := max(0, now.Sub(beat))
		if seen >= quiet {
			state = pipeline.NodeSilent
		}
		all = append(all, Daemon{node, state, seen})
	}
	leaders, err := lease.Leaders(f, pipeline.MasterDir)
	if err != nil {
		return nil, err
	}
	for _, l := range leaders {
		add(l.Node, Leads, l.Beat)
	}
	standbys, err := f.List(pipeline.ProbeDir)
	if err != nil {
		return nil, err
	}
	for _, name := range standbys {
		node, is := strings.CutSuffix(name, pipeline.StandbySuffix)
		if !is || slices.ContainsFunc(leaders, func(l lease.Leader) bool { return l.Node == node }) { // it stood by once
			continue
		}
		if info, err := f.Stat(pipeline.StandbyFile(node)); err == nil { // else it has gone
			add(node, StandsBy, info.ModTime())
		}
	}
	nodes, err := pipeline.LoadNodes(f)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		add(n.Node.Node, n.State, n.Written)
	}
	return all, nil
}
