package steer

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// Rest asks a machine to claim nothing more; with now, what it encodes is handed back too. It holds until Wake, also
// for workers that start there later. word is the name of the host or of a node on it, or a part of the host's.
func (d Desk) Rest(_ context.Context, word string, now bool) (Outcome, error) {
	m, err := d.machine(word)
	if err != nil {
		return Outcome{}, err
	}
	asked := &pipeline.Rest{Host: m.host, By: d.By, At: time.Now().UTC().Truncate(time.Second), Now: now}
	if err := asked.Write(d.Share); err != nil {
		return Outcome{}, err
	}
	return m.outcome(Rests), nil
}

// Wake lets a machine claim again. Waking one that nobody asked to rest changes nothing.
func (d Desk) Wake(_ context.Context, word string) (Outcome, error) {
	m, err := d.machine(word)
	if err != nil {
		return Outcome{}, err
	}
	if err := pipeline.WithdrawRest(d.Share, m.host); err != nil {
		return Outcome{}, err
	}
	return m.outcome(Awake), nil
}

// machine is a host with its nodes, of which there may be none.
type machine struct {
	host  string
	nodes []string
}

func (m machine) names() []string { return append([]string{m.host}, m.nodes...) }

func (m machine) outcome(s State) Outcome { return Outcome{Name: m.host, Word: m.host, State: s} }

// machine returns the one machine that a word names.
func (d Desk) machine(word string) (machine, error) {
	all, err := d.machines()
	if err != nil {
		return machine{}, err
	}
	switch meant := Meant(all, word, machine.names); {
	case word == "" || len(meant) == 0:
		return machine{}, Refuse(Unknown, "there is no node %q; `distenc nodes` lists those that are there", word)
	case len(meant) > 1:
		hosts := make([]string, len(meant))
		for i, m := range meant {
			hosts[i] = m.host
		}
		return machine{}, Refuse(Ambiguous, "%q can mean %d machines; give the name of one: %s", word, len(meant),
			strings.Join(hosts, ", "))
	default:
		return meant[0], nil
	}
}

// machines lists those that have nodes, and those that are asked to rest, by name.
func (d Desk) machines() ([]machine, error) {
	nodes, err := pipeline.LoadNodes(d.Share)
	if err != nil {
		return nil, err
	}
	resting, err := pipeline.RestingHosts(d.Share)
	if err != nil {
		return nil, err
	}
	byHost := map[string][]string{}
	for _, host := range resting {
		byHost[host] = nil
	}
	for _, n := range nodes {
		if host := pipeline.NodeHost(n.Node.Node); pipeline.ValidHost(host) {
			byHost[host] = append(byHost[host], n.Node.Node)
		}
	}
	all := make([]machine, 0, len(byHost))
	for host, nodes := range byHost {
		all = append(all, machine{host, nodes})
	}
	slices.SortFunc(all, func(a, b machine) int { return strings.Compare(a.host, b.host) })
	return all, nil
}
