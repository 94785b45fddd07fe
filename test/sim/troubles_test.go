package sim

import (
	"time"
)

// frozen stops a worker while it encodes, or when it is about to commit.
func frozen(p *plan, n int) {
	slow(p, n)
	if n%2 == 0 {
		onWorker("freeze", "open", ".hb", true, 5*time.Minute)(p, n)
	} else {
		onWorker("freeze", "rename", ".src.", false, 5*time.Minute)(p, n)
	}
}

func cutOff(p *plan, n int) {
	slow(p, n)
	onWorker("cut", "open", ".hb", false, 5*time.Minute)(p, n)
}

// slow lets every second farm encode so slowly that the early copy of a silent holder's chunk is not done before the
// claim expires.
func slow(p *plan, n int) {
	if n%4 < 2 {
		p.encode = 2 * time.Minute
	}
}

func onWorker(do, op, in string, after bool, last time.Duration) func(p *plan, n int) {
	return func(p *plan, n int) {
		p.traps = []*trap{{role: "-w", op: op, in: in, nth: 1 + n, after: after, do: do, last: last}}
		if do == "cut" && n%2 == 1 {
			p.soft = time.Minute
		}
	}
}

func onMasters(do string, others int) func(p *plan, n int) {
	return func(p *plan, n int) {
		p.masters = 1 + others
		for k := range 3 {
			s := steps[(7*n+3*k)%len(steps)]
			p.traps = append(p.traps, &trap{role: "-m", op: s[0], in: s[1], nth: 1 + k, after: (n+k)%2 == 0, do: do,
				last: 4 * time.Minute})
		}
	}
}

func powerAmongClaims(p *plan, n int) {
	for k := range 5 {
		at := 30*time.Second + time.Duration(k)*40*time.Second + time.Duration(n)*7*time.Second
		p.events = append(p.events, trouble{at: at, what: "power", last: 5 * time.Second})
	}
}

// late lets a chunk's rename come when the node that asked for it is dead, and a source's when another file
// has got its name: while its job still waits for it, and when that has long been given up.
func late(p *plan, n int) {
	in := []string{"-> jobs/", "-> jobs/", "-> chunks/claimed", ".src.", ".ok.", "-> archive"}[n]
	p.traps = []*trap{{op: "rename", in: in, nth: 1, do: "late",
		last: []time.Duration{45 * time.Second, 3 * time.Minute}[n%2]}}
	if n > 1 {
		p.traps = append(p.traps, &trap{op: "rename", in: in, nth: 1, after: true, do: "kill"})
		return
	}
	p.drops, p.at = []string{"renamed", "same name"}, []time.Duration{5 * time.Second,
		[]time.Duration{time.Minute, 200 * time.Second}[n]}
}

// outage is half an hour, in which a master ends its term, or so short that it goes on.
func outage(p *plan, n int) {
	p.traps = []*trap{{role: "-w", op: "open", in: ".hb", nth: 1 + 2*n, do: "outage",
		last: []time.Duration{30 * time.Minute, 100 * time.Second}[n%2]}}
	p.calm = 40 * time.Minute
}

// locks freezes a worker for a minute besides: a lock that anyone gets, or that was free a minute ago, must
// not make it a dead one.
func locks(p *plan, n int) {
	onWorker("freeze", "open", ".hb", true, time.Minute)(p, n)
	p.locks = []string{"nobody", "slow"}[n%2]
}

func stuck(p *plan, n int) {
	onWorker("kill", "open", ".hb", true, 0)(p, n)
	p.locks = "stuck"
}

func clocks(p *plan, n int) {
	for k := range 8 {
		p.events = append(p.events, trouble{at: time.Duration(20*k+10+n) * time.Second, what: "clock"})
	}
}

func stale(p *plan, _ int) { p.caches, p.masters = true, 2 }

func rot(p *plan, n int) {
	for k := range 12 {
		p.events = append(p.events, trouble{at: time.Duration(15*k+40+n) * time.Second, what: "rot", who: k})
	}
}

func poison(p *plan, _ int) { p.poison = 1 }

// meddle removes a whole job's folder in every other run alone: it takes what else is wrong with it.
func meddle(p *plan, n int) {
	for k := range 15 {
		p.events = append(p.events, trouble{at: time.Duration(20*k+35+5*n) * time.Second, what: "meddle", who: 8*(n+k) +
			(k+n)%7})
	}
	if n%2 == 1 {
		p.events = append(p.events, trouble{at: time.Duration(40*n+80) * time.Second, what: "meddle", who: 7})
	}
}

func asking(p *plan, n int) {
	for k := range 12 {
		p.events = append(p.events, trouble{at: time.Duration(30*k+60+5*n) * time.Second, what: "steer", who: 8*(n+k) +
			(3*k+n)%8, last: 40 * time.Second})
	}
}

func copies(p *plan, _ int) {
	p.films, p.drops = 5, []string{"slow", "stalls", "whole size", "same name", "same content"}
}
