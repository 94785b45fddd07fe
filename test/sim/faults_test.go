package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The faults of the table in docs/protocol.md, each alone, with what must come out of it. That every job
// ends well, that nothing is left over and that I1 to I12 hold is wanted of every run anyway.

// faultSeeds is in how many runs each fault happens.
const faultSeeds = 6

// fault is one line of the table.
type fault struct {
	name string
	plan func(p *plan, n int)         // n counts the runs
	want func(t *testing.T, r result) // of each run; may be nil
	some []string                     // what must be counted in some run: that the fault did strike
}

var (
	nobodyExpired   = func(t *testing.T, r result) { require.Zero(t, r.count["expired"], r.count) }
	nothingRejected = func(t *testing.T, r result) { require.Zero(t, r.count["rejected"], r.count) }
	// once is that no chunk was encoded again, but for those that an idle worker had as well.
	once = func(t *testing.T, r result) {
		require.Equal(t, r.chunks, r.count["accepted"], r.count)
		require.LessOrEqual(t, r.count["committed"], r.chunks+r.count["second copy"]+r.count["early copy"], r.count)
	}
)

func faults() []fault {
	return []fault{
		{"01 a worker is killed while it encodes", onWorker("kill", "open", ".hb", true, 0), inTime, some("expired")},
		{"02 a worker is killed between storing and committing", onWorker("kill", "rename", ".src.", false, 0), once,
			some("expired", "orphan swept")},
		{"03 a worker is killed right after the commit", onWorker("kill", "rename", ".src.", true, 0),
			both(nobodyExpired, once), some("struck")},
		{"04 a worker is frozen for longer than the expiry", frozen, once, some("expired", "commit lost", "early copy")},
		{"05 a worker is cut off for five minutes", cutOff, nil, some("expired")},
		{"06 the file server loses power among claims", powerAmongClaims, nil, some("struck", "undone")},
		{"07 the file server is away for half an hour", outage, both(nobodyExpired, once),
			some("away while chunks are encoded")},
		{"08 a rename is done and its answer lost", func(p *plan, _ int) { p.lost, p.rate = true, 20 }, nobodyExpired,
			some("answer lost")},
		{"09 a rename lands late", late, nil, some("landed late", "source landed after the end")},
		{"10 locks exclude nobody or answer late", locks, both(nobodyExpired, once), some("struck")},
		{"10 the lock of a dead worker stays for good", stuck, inTime, some("expired")},
		{"11 clocks jump by a day or a year", clocks, both(nobodyExpired, once), some("struck")},
		{"12 attributes are a minute old, listings half a second", stale, both(nobodyExpired, both(nothingRejected, once)),
			some("stale listing")},
		{"12 an entry is missing from a listing", func(p *plan, _ int) { p.missing, p.rate = true, 20 }, nothingRejected,
			some("missing entry")},
		{"13 two masters, one of them stalled at any step", onMasters("freeze", 2), nil, some("struck")},
		{"14 a master is killed at any step", onMasters("kill", 1), nil, some("struck")},
		{"15 the disk is full", func(p *plan, n int) { p.full = time.Duration(2*n+1) * 30 * time.Second }, nil,
			some("disk full")},
		{"16 a result rots before or after it is accepted", rot, nil, some("rejected", "rejected after it was accepted")},
		{"17 a chunk crashes the encoder on every host", poison, setAsideAlone, some("set aside")},
		{"18 a person removes and copies files", meddle, nil, some("claim removed", "free chunk removed", "result removed",
			"output removed", "job removed", "chunk copied")},
		{"19 slow copies, whole size at once, stalled copies, one name twice", copies, allButTheTwin, some("published")},
		{"20 half of the farm is upgraded in the middle of a film", upgradedHalf, keptItsBuild,
			some("upgraded", "another build")},
		{"21 the nodes with a film's build leave for good", builtByOthers, notSetAside,
			some("build changed", "rejected after it was accepted")},
		{"21 they come back with another build", upgradedAll, notSetAside, some("build changed", "another build")},
		{"22 a farm fails while it analyses films", analysing, onePlan, some("struck", "concluded", "measured", "expired",
			"rejected after it was accepted")},
		{"23 machines are asked to rest in the middle of a film, and woken", resting, both(nobodyExpired, rested),
			some("asked to rest")},
	}
}

// rested is that nothing was claimed where people wanted that, and nothing came to harm.
func rested(t *testing.T, r result) {
	require.Zero(t, r.count["claimed while it should rest"], r.count)
	require.Zero(t, r.count["rejected"], r.count)
	require.Equal(t, r.chunks, r.count["accepted"], r.count)
}

// resting asks both machines to rest in turn, now and then at once, and in every other run both together.
func resting(p *plan, n int) {
	for k := range 6 {
		p.events = append(p.events, trouble{at: time.Duration(50*k+60+7*n) * time.Second, what: "rest",
			who: 8*(n+k/2) + k%2, last: time.Duration(40+50*(n%2)) * time.Second})
	}
}

// keptItsBuild is that nothing was encoded again but what the upgraded nodes had in work.
func keptItsBuild(t *testing.T, r result) {
	require.Zero(t, r.count["build changed"], r.count)
	require.Zero(t, r.count["rejected"], r.count)
	require.Equal(t, r.chunks, r.count["accepted"], r.count)
}

// onePlan is that each of the two films was planned once, whatever was measured again.
func onePlan(t *testing.T, r result) { require.Equal(t, 2, r.count["concluded"], r.count) }

// analysing kills a worker that is about to commit what it measured, stops a master that is about to publish the plan
// made of that, or lets results rot.
func analysing(p *plan, n int) {
	p.analyse, p.masters = true, 2
	switch n % 3 {
	case 0:
		p.traps = []*trap{{role: "-w", op: "rename", in: "-bars.a", nth: 3 + n, do: "kill"}}
	case 1:
		p.traps = []*trap{{role: "-m", op: "link", in: "/plan.json", nth: 1, do: "freeze", last: 8 * time.Minute}}
	case 2:
		for k := range 30 {
			p.events = append(p.events, trouble{at: time.Duration(60+5*k) * time.Second, what: "rot", who: 7 * k})
		}
	}
}

func notSetAside(t *testing.T, r result) { require.Zero(t, r.count["set aside"], r.count) }

// upgradedHalf puts another build on two of four machines, in the middle of their encodes.
func upgradedHalf(p *plan, n int) {
	p.workers, p.kinds, p.encode = 4, []int{0, 0, 0, 0}, time.Minute
	for k := range 2 {
		p.events = append(p.events, trouble{at: time.Duration(70+20*n+30*k) * time.Second, what: "upgrade",
			who: 8*(1+n%2) + k})
	}
}

// builtByOthers leaves the films to a machine with another build: in every second farm one with the same headers.
func builtByOthers(p *plan, n int) {
	p.workers, p.kinds, p.encode, p.calm = 3, []int{0, 0, 1 + n%2}, time.Minute, 40*time.Minute
	for k := range 2 {
		p.events = append(p.events, trouble{at: time.Duration(90+20*n+40*k) * time.Second, what: "leave", who: k,
			last: time.Hour})
	}
}

// upgradedAll puts another build on all machines while they encode.
func upgradedAll(p *plan, n int) {
	p.encode, p.calm = time.Minute, 20*time.Minute
	for k := range 2 {
		p.events = append(p.events, trouble{at: time.Duration(90+20*n+20*k) * time.Second, what: "upgrade",
			who: 8*(1+n%2) + k})
	}
}

func some(what ...string) []string { return what }

// TestFault makes each fault happen alone.
func TestFault(t *testing.T) {
	for _, f := range faults() {
		t.Run(f.name, f.play)
	}
}

// TestSteering lets people ask for all that they can, in a farm without faults.
func TestSteering(t *testing.T) {
	fault{plan: asking, want: nobodyExpired, some: some("pause", "pause-now", "priority", "retry", "cancel",
		"source tried again")}.play(t)
}

func (f fault) play(t *testing.T) {
	total, virtual, calls := map[string]int{}, time.Duration(0), 0
	for n := range faultSeeds {
		r := run(t, uint64(1000+n), nil, func(p *plan) {
			quiet(p)
			p.workers, p.slots, p.films, p.drops = 2, 1, 2, []string{"renamed", "renamed"}
			p.calm, p.encode = 12*time.Minute, 20*time.Second
			f.plan(p, n)
		})
		require.Empty(t, r.wrong, r.report)
		total["struck"] += r.struck
		virtual += r.virtual
		calls += r.calls
		for what, n := range r.count {
			total[what] += n
		}
		if f.want != nil {
			f.want(t, r)
		}
	}
	for _, what := range f.some {
		require.NotZero(t, total[what], "%s: %v", what, total)
	}
	t.Log(total, "virtual", virtual, "calls", calls)
}

// rejection is the step that a good film does not come to.
var rejection = [2]string{"rename", "-> failed"}

// secondBeat is the first one that is synced: a chunk has to take longer than a heartbeat.
var secondBeat = [2]string{"sync", "leases/"}

// TestEveryStep stops a master before and after each of its steps, for good or for a while, with another
// one standing by.
func TestEveryStep(t *testing.T) {
	for _, limit := range []string{"", "early", "late"} {
		everyStep(t, limit)
	}
}

// everyStep does so with a film whose output has a limit, or none.
func everyStep(t *testing.T, limit string) {
	for i, s := range slices.Concat(steps, lookSteps) {
		for n, do := range []string{"kill", "freeze", "cut"} {
			for _, after := range []bool{false, true} {
				r := run(t, uint64(n+1), nil, func(p *plan) {
					quiet(p)
					p.limits = []string{limit}
					p.masters, p.calm, p.analyse = 2, 5*time.Minute, i >= len(steps)
					if s == secondBeat {
						p.encode = 20 * time.Second
					}
					p.traps = []*trap{{op: s[0], in: s[1], nth: 1, after: after, do: do, last: 4 * time.Minute}}
				})
				require.Empty(t, r.wrong, "%s at %v, limit %s\n%s", do, s, limit, r.report)
				require.Equal(t, limit != "", r.count["skipped"] > 0, "%s at %v, limit %s", do, s, limit)
				require.True(t, r.struck > 0 || s == rejection, "%s at %v never comes", do, s)
			}
		}
	}
}

func both(a, b func(t *testing.T, r result)) func(t *testing.T, r result) {
	return func(t *testing.T, r result) { a(t, r); b(t, r) }
}

// inTime is that the chunk was free again within the expiry, a beat and a few looks.
func inTime(t *testing.T, r result) {
	require.Less(t, r.slowest, terms.Expiry+terms.Heartbeat+20*time.Second)
}

// allButTheTwin is that each copy but the one with another's content came out, and none was taken while it
// was only slow.
func allButTheTwin(t *testing.T, r result) {
	require.Zero(t, r.count["taken unfinished"], r.count)
	require.Equal(t, 4, r.count["published"], r.count)
}

// setAsideAlone is that the chunk was set aside, and once more after the retry, and no host took the blame.
func setAsideAlone(t *testing.T, r result) {
	require.GreaterOrEqual(t, r.count["set aside"], 2, r.count)
	require.Zero(t, r.count["host rests"], r.count)
}

// A decoder's buffer is kept to while masters and workers die, and what no attempt mends comes out all the same.
func TestNarrowBuffer(t *testing.T) {
	anew := 0
	for seed := uint64(1); seed <= 12; seed++ {
		r := run(t, seed, nil, func(p *plan) {
			quiet(p)
			p.narrow, p.masters, p.films, p.drops = true, 2, 2, []string{"renamed", "renamed"}
			p.calm = 5 * time.Minute
			p.traps = []*trap{{role: "-m", op: "rename", in: ".ok.", nth: int(seed), after: seed%2 == 0, do: "kill"}}
		})
		require.Empty(t, r.wrong, r.report)
		require.Equal(t, 2, r.count["published"])
		anew += r.count["made anew for the buffer"]
	}
	require.Positive(t, anew)
}
