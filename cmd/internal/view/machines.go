package view

import (
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// machine is a computer that can be asked to rest on the page.
type machine struct {
	Host  string
	Asked bool // somebody asks it to rest
	Now   bool // what it encodes is handed back, too
}

// absent are the buttons of a machine that has no node.
func absent(r *pipeline.Rest) *machine { return &machine{Host: r.Host, Asked: true, Now: true} }

// rests says of a machine without a node what is asked of it.
func rests(r *pipeline.Rest) string {
	text := "asked to rest"
	if r.By != "" {
		text += " by " + Plain(r.By)
	}
	return text + "; no worker is there"
}

// machines returns them by the first of the nodes on each, below which their buttons stand.
func machines(nodes []status.Node) map[string]*machine {
	all, seen := map[string]*machine{}, map[string]bool{}
	for _, n := range nodes {
		host := pipeline.NodeHost(n.Node)
		if seen[host] || !pipeline.ValidHost(host) {
			continue
		}
		seen[host] = true
		all[n.Node] = &machine{Host: host, Asked: n.Asked != nil, Now: n.Asked != nil && n.Asked.Now}
	}
	return all
}
