// Package poison decides when a chunk that fails again and again is set aside, and counts whose fault it may be.
package poison

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// SetAside moves a chunk that failed too often out of the way, where its job's other chunks and other jobs
// are not held up by it; out is Unknown, and why empty, if it did not fail often enough. limit is
// [lease] attempts, and fresh how old a node's file may be. After an error nothing is decided.
func SetAside(ctx context.Context, f *sharefs.FS, c pipeline.ChunkFile, limit int,
	fresh time.Duration) (out sharefs.Outcome, why string, err error) {
	reports, err := pipeline.Failures(f, c)
	if err != nil || weigh(reports) < float64(limit) {
		return sharefs.Unknown, "", err
	}
	here, err := Here(f, fresh)
	if err != nil || !poison(reports, limit, here) {
		return sharefs.Unknown, "", err
	}
	if err := f.MkdirAll(pipeline.SetAsideOf(c.Job)); err != nil {
		return sharefs.Unknown, "", err
	}
	out, err = f.Move(ctx, c.Path(), c.In(pipeline.Failed).Path())
	return out, reports[len(reports)-1].Reason, err
}

// Crew counts who is there to encode.
type Crew struct{ Nodes, Machines int }

// Here looks who is there, by the age of the nodes' files. An error tells that this is not known.
func Here(f *sharefs.FS, fresh time.Duration) (Crew, error) {
	nodes, err := pipeline.Present(f, fresh)
	if err != nil {
		return Crew{}, fmt.Errorf("cannot tell who is there to encode: %w", err)
	}
	machines := map[machine]bool{}
	for _, n := range nodes {
		machines[machine{n.Host, n.Machine}] = true
	}
	return Crew{Nodes: len(nodes), Machines: len(machines)}, nil
}

// machine tells one from another: clones have one host name, and containers on one kernel several.
type machine struct{ host, boot string }

// poison reports whether a chunk's failures are enough to set it aside: the weight of limit attempts and of more than
// one machine, or of more than one node where all are on one machine, or of the only node there is; or two more
// anywhere. Else it may be the fault of who encoded it.
func poison(failures []pipeline.Failure, limit int, here Crew) bool {
	machines, nodes := suspects(counted(failures))
	switch sum := weigh(failures); {
	case sum >= float64(limit+2):
		return true
	case sum < float64(limit):
		return false
	case here.Machines > 1:
		return machines > 1
	case here.Nodes > 1:
		return nodes > 1
	}
	return true
}

// weigh sums up the failures that count.
func weigh(failures []pipeline.Failure) (sum float64) {
	for _, r := range counted(failures) {
		sum += r.Weight
	}
	return sum
}

// counted leaves out what was forgiven when a person had the chunk tried again.
func counted(failures []pipeline.Failure) []pipeline.Failure {
	return slices.DeleteFunc(pipeline.Unforgiven(failures), func(r pipeline.Failure) bool { return r.Weight <= 0 })
}

// suspects counts the machines and nodes that failures were on. Where the machine isn't known, it is the known one of
// that host name.
func suspects(failures []pipeline.Failure) (machines, nodes int) {
	onNodes, onHosts := map[string]bool{}, map[string]map[string]bool{}
	for _, r := range failures {
		host := pipeline.NodeHost(r.Node)
		if onHosts[host] == nil {
			onHosts[host] = map[string]bool{}
		}
		onNodes[r.Node] = true
		if r.Machine != "" {
			onHosts[host][r.Machine] = true
		}
	}
	for _, known := range onHosts {
		machines += max(1, len(known))
	}
	return machines, len(onNodes)
}
