package sim

import (
	"fmt"
	"strings"
	"time"
)

// plan is what happens in one run, drawn from the seed. Every kind of fault is on in some runs and off in
// others, since one fault can hide what another would show.
type plan struct {
	crew
	mounts
	inboxPlan

	calm   time.Duration // no fault after this time
	poison int           // chunk 0 of the first film can't be encoded
	events []trouble
	traps  []*trap
}

// crew is who runs.
type crew struct {
	masters, workers, slots int

	encode time.Duration // of a frame, at most
	kinds  []int         // the build of each worker's machine; the first kind where it is not said
}

// mounts is how the share behaves.
type mounts struct {
	latency time.Duration // of a call, at most
	soft    time.Duration // after which a mount gives up; 0: never
	caches  bool          // attributes and names up to 60 s old, listings 0.5 s
	errors  bool          // calls fail
	lost    bool          // calls are done, and their callers told an error
	late    bool          // calls fail, and are done minutes later
	missing bool          // a listing misses an entry
	rate    int           // one call in so many
	locks   string
	full    time.Duration // the disk is full from then on, for a while
}

// inboxPlan is what is to be encoded, and how.
type inboxPlan struct {
	films   int
	drops   []string        // how each film is dropped
	limits  []string        // of each film's size: outgrown, as shows early or late, at the merge; fits; or none
	at      []time.Duration // when; those that are not in it when the seed says
	keep    string          // what becomes of sources: archive, delete
	analyse bool            // films are analysed before they are encoded
	narrow  bool            // the decoder's buffer is bounded
	sized   bool            // films have a size
}

// trouble is a fault at a time.
type trouble struct {
	at   time.Duration
	what string
	who  int
	last time.Duration
}

// trap is a fault at a step: the nth call that matches, before or after it is made.
type trap struct {
	role   string // -m, -w: of masters or workers alone
	op, in string
	nth    int
	after  bool
	do     string // kill, freeze, cut, outage; late: it fails and is done after all, when its time is over
	last   time.Duration
	seen   int
}

func (t trap) String() string {
	when := "before"
	if t.after {
		when = "after"
	}
	return fmt.Sprintf("%s %s %s %q no. %d for %v", t.do, when, t.op, t.in, t.nth, t.last)
}

// steps are the places where a daemon is most worth stopping: T1 to T13.
var steps = [][2]string{
	{"create", "job.json"}, {"rename", "-> jobs/"}, {"create", "plan.json"}, {"link", "plan.json"},
	{"rename", "-> chunks/pending"}, {"create", ".lock"}, {"create", ".hb"}, {"rename", "-> chunks/claimed"},
	{"create", ".tmp"}, {"rename", ".enc"}, {"create", ".json"}, {"rename", ".src."}, {"unlink", "leases/"},
	{"rename", ".ok."}, {"create", "/out/"}, {"link", "/decision"}, {"link", "-> outbox"}, {"create", "/published"},
	{"rename", "-> archive"}, {"rename", "-> failed"}, {"create", "/closed"}, {"unlink", "chunks/done"},
	{"create", "master/"}, {"sync", "leases/"}, {"readdir", "chunks/claimed"}, {"rename", "-> nodes/"},
}

// lookSteps are those of an analysis.
var lookSteps = [][2]string{
	{"link", "analysis-bars.json"}, {"rename", "-bars.a"}, {"create", "-bars.a"}, {"unlink", "-bars.a"},
	{"create", "plan.json"}, {"link", "plan.json"},
}

func (w *world) drawPlan() plan {
	on := func(what string, n int) bool { return w.chance("on "+what, n) }
	p := plan{calm: w.span("calm", 3*time.Minute, 20*time.Minute)}
	p.crew = crew{
		masters: 1 + w.pick("masters", 3), workers: 1 + w.pick("workers", 4), slots: 1 + w.pick("slots", 2),
		encode: w.span("encode", time.Second, 20*time.Second),
	}
	p.mounts = mounts{
		latency: w.span("latency", time.Millisecond, 100*time.Millisecond),
		caches:  !on("no caches", 4), errors: on("errors", 2), lost: on("lost", 2), late: on("late", 3),
		missing: on("missing", 3), rate: 40 << w.pick("rate", 5),
		locks: []string{"good", "good", "nobody", "slow", "stuck"}[w.pick("locks", 5)],
	}
	p.films = 1 + w.pick("films", 3)
	p.keep = []string{"archive", "archive", "archive", "delete"}[w.pick("keep", 4)]
	if on("soft", 4) {
		p.soft = time.Minute
	}
	if on("full", 6) {
		p.full = w.span("full at", time.Minute, 6*time.Minute)
	}
	if on("poison", 12) {
		p.poison = 1
	}
	for n := range p.films {
		how := []string{"renamed", "renamed", "slow", "stalls", "whole size", "same name", "same content"}
		p.drops = append(p.drops, how[w.pick(fmt.Sprint("drop", n), len(how))])
		limits := []string{"", "", "", "", "", "early", "late", "fits"}
		p.limits = append(p.limits, limits[w.pick(fmt.Sprint("limit", n), len(limits))])
	}
	p.analyse, p.narrow = on("analysis", 3), on("narrow", 4)
	p.sized = on("size", 4)
	w.drawTroubles(&p, on)
	w.drawBuilds(&p, on)
	return p
}

func (w *world) drawTroubles(p *plan, on func(string, int) bool) {
	kinds := map[string]int{"kill": 3, "freeze": 3, "cut": 4, "outage": 6, "power": 4, "clock": 4, "rot": 6, "meddle": 6,
		"steer": 4, "rest": 4}
	for _, what := range []string{"kill", "freeze", "cut", "outage", "power", "clock", "rot", "meddle", "steer", "rest"} {
		if !on(what, kinds[what]) {
			continue
		}
		for n := range 1 + w.pick("times "+what, 4) {
			key := fmt.Sprint(what, n)
			t := trouble{at: w.span(key+"at", 20*time.Second, p.calm), what: what, who: w.pick(key+"who", 1000),
				last: w.span(key+"last", time.Second, 6*time.Minute)}
			if what == "outage" && n == 0 {
				t.last = 30 * time.Minute
				p.calm = max(p.calm, t.at+t.last+time.Minute)
			}
			p.events = append(p.events, t)
		}
	}
	if on("traps", 2) {
		for n := range 1 + w.pick("traps", 4) {
			key := fmt.Sprint("trap", n)
			s := steps[w.pick(key+"step", len(steps))]
			if p.analyse && w.chance(key+"analysis", 3) {
				s = lookSteps[w.pick(key+"look", len(lookSteps))]
			}
			p.traps = append(p.traps, &trap{
				op: s[0], in: s[1], nth: 1 + w.pick(key+"nth", 5), after: w.chance(key+"after", 2),
				do: []string{"kill", "freeze", "cut"}[w.pick(key+"do", 3)], last: w.span(key+"last", time.Second, 8*time.Minute),
			})
		}
	}
}

// gentle tells plans in which no worker that is well may lose its claim: nothing is wrong but caches, lost
// answers, clocks, locks, outages of the server that everybody sees, and the trouble of others.
func (p *plan) gentle() bool {
	for _, t := range p.events {
		if t.what == "power" || t.what == "meddle" {
			return false
		}
	}
	return !p.errors && !p.late && !p.missing && p.full == 0 && p.soft == 0
}

func (p *plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d masters, %d workers with %d slots, films dropped %v, faults end after %v\n", p.masters, p.workers,
		p.slots, p.drops, p.calm)
	fmt.Fprintf(&b, "latency %v, soft %v, locks %s, full disk from %v, poison %d, sources to %s\n", p.latency, p.soft,
		p.locks, p.full, p.poison, p.keep)
	fmt.Fprintf(&b, "caches %v, errors %v, lost answers %v, late requests %v, missing entries %v, one in %d\n", p.caches,
		p.errors, p.lost, p.late, p.missing, p.rate)
	if p.analyse {
		b.WriteString("films are analysed\n")
	}
	if p.sized {
		b.WriteString("films have a size\n")
	}
	if len(p.kinds) > 0 {
		fmt.Fprintf(&b, "builds %v\n", p.kinds)
	}
	for _, t := range p.traps {
		fmt.Fprintf(&b, "trap: %v\n", t)
	}
	return b.String()
}
