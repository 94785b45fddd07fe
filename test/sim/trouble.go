package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// strike makes a fault happen and, after its time, end.
func (w *world) strike(t trouble) {
	if w.calm() {
		return
	}
	if t.what != "kill" && t.what != "freeze" && t.what != "cut" {
		w.mu.Lock()
		w.struck++
		w.mu.Unlock()
	}
	switch t.what {
	case "kill", "freeze", "cut":
		if c := w.victim(t.who); c != nil {
			w.hit(c, t.what, t.last, "")
		}
	case "outage":
		w.outage(t.last)
	case "power":
		w.history.add("server", "fault", "loses power", nil, "")
		w.server.powerLoss(func(n int) bool { return !w.chance(fmt.Sprint("undo ", t.at, n), 4) })
		w.outage(min(t.last, 2*time.Minute))
	case "clock":
		w.server.mu.Lock()
		w.server.offset = w.span(fmt.Sprint("clock", t.at), -366*24*time.Hour, 24*time.Hour)
		w.server.mu.Unlock()
		w.history.add("server", "fault", "its clock jumps", nil, "")
	case "rot":
		w.rot(t)
	case "upgrade":
		w.upgrade(hostOf(t.who%w.plan.workers), t.who/8%len(kinds))
	case "leave":
		w.leave(hostOf(t.who%w.plan.workers), t.last)
	case "meddle":
		w.meddle(t)
	case "steer":
		w.steer(t)
	case "rest":
		w.rest(t)
	}
}

func (w *world) outage(d time.Duration) {
	w.history.add("server", "fault", fmt.Sprintf("is away for %v", d), nil, "")
	w.door.shut()
	if len(w.server.below(pipeline.ClaimedDir)) > 0 {
		w.judge.tally("away while chunks are encoded")
	}
	w.sleep(d)
	w.reconnect(d)
	w.door.reopen()
	w.history.add("server", "fault", "is back", nil, "")
}

// reconnect lets the clients notice one after the other that the server is back: they try more and more
// rarely.
func (w *world) reconnect(away time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for node, c := range w.clients {
		c.wire.shut()
		time.AfterFunc(w.span(fmt.Sprint("reconnect", node, time.Since(w.began)), 0, min(away/4, slowest)), c.wire.reopen)
	}
}

// slowest is how long after its server's return a client may notice it.
const slowest = 30 * time.Second

// victim picks a node that lives.
func (w *world) victim(who int) *client {
	w.mu.Lock()
	defer w.mu.Unlock()
	var nodes []string
	for node, c := range w.clients {
		if c.alive() {
			nodes = append(nodes, node)
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	slices.Sort(nodes)
	return w.clients[nodes[who%len(nodes)]]
}

// hit kills, freezes or cuts off one node.
func (w *world) hit(c *client, what string, d time.Duration, where string) {
	w.history.add(c.node, "fault", strings.TrimSpace(fmt.Sprintf("%s for %v %s", what, d, where)), nil, "")
	w.mu.Lock()
	if _, already := w.troubled[c.node]; !already {
		w.troubled[c.node] = time.Now()
	}
	w.struck++
	w.mu.Unlock()
	g := &c.gate
	switch what {
	case "kill":
		c.kill()
		return
	case "cut":
		g = &c.wire
	}
	g.shut()
	time.AfterFunc(d, func() {
		g.reopen()
		w.history.add(c.node, "fault", "goes on", nil, "")
	})
}

// trap springs the traps that match a call. late is after what time the call is to be done, if it is.
func (w *world) trap(c *client, op, name string, after bool) (late time.Duration) {
	if w.calm() || c.node == people {
		return 0
	}
	for _, t := range w.plan.traps {
		if t.after != after || t.op != op || !strings.Contains(name, t.in) || !strings.Contains(c.node, t.role) ||
			w.ctx.Err() != nil {
			continue
		}
		w.mu.Lock()
		t.seen++
		now := t.seen == t.nth
		w.mu.Unlock()
		switch {
		case now && t.do == "late":
			late = t.last
		case now && t.do == "outage":
			w.later(0, func() { w.outage(t.last) })
		case now:
			w.hit(c, t.do, t.last, t.String())
		}
	}
	return late
}

// healAll opens all gates, and kills the nodes if the run is over.
func (w *world) healAll() {
	w.door.reopen()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.clients {
		c.gate.reopen()
		c.wire.reopen()
		if len(w.judge.violations()) > 0 {
			c.kill()
		}
	}
}

// rot flips a bit of a result, or cuts it short.
func (w *world) rot(t trouble) {
	var results []string
	for _, name := range w.server.below(pipeline.DoneDir) {
		if strings.HasSuffix(name, ".enc") {
			results = append(results, name)
		}
	}
	if len(results) == 0 {
		return
	}
	name := results[t.who%len(results)]
	s := w.server
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.names[name]
	if len(i.data) == 0 {
		return
	}
	b := slices.Clone(i.data)
	if t.who%2 == 0 {
		b[len(b)/2] ^= 4
	} else {
		b = b[:len(b)/2]
	}
	i.data, i.synced = b, b
	w.mark(name)
	w.history.add("server", "fault", "rots "+name, nil, "")
}

func (w *world) mark(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.altered[name] = true
}

func (w *world) touched(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.altered[name]
}

func (w *world) erased(job string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gonejobs[job]
}
