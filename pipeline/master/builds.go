package master

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// buildNotes is with which builds a job is encoded, and what this master has seen of those who have the present one.
type buildNotes struct {
	pins pipeline.Pins
	away persistence // of all nodes that have it
}

// crew is who is there to encode, as read last.
type crew struct {
	nodes  []pipeline.SeenNode
	err    error
	looked time.Time
}

// loadPins reads which builds a job was given, where a listing of its folder has more than are known.
func (t *term) loadPins(j *job, dir pipeline.Folder) bool {
	if len(j.builds.pins) > dir.Pins() || !j.plan.Build.Known() {
		return true
	}
	pins, err := pipeline.LoadPins(t.FS, j.plan, dir)
	if err != nil {
		t.later(j, "cannot read with which build the job is encoded", err)
		return false
	}
	j.builds = buildNotes{pins: pins}
	return true
}

// watchBuild gives a job another build when chunks of it lie free, nobody has any in work, and no node that has its
// build was there for some time: at once where nothing is lost by it.
func (t *term) watchBuild(j *job, count map[pipeline.State]int, paused bool) {
	b := &j.builds
	if len(b.pins) == 0 || paused || count[pipeline.Pending] == 0 || count[pipeline.Claimed] > 0 {
		b.away = persistence{}
		return
	}
	now, demand := b.pins.Now(), j.plan.Demand()
	t.lookAtCrew(b.away)
	if t.crew.err != nil {
		return
	}
	if slices.ContainsFunc(t.crew.nodes, func(n pipeline.SeenNode) bool { return n.Encodes(now, demand) }) {
		b.away = persistence{}
		return
	}
	waited, limit := b.away.seen(t.crewGap()), pipeline.BuildPatience*t.Terms.Expiry
	if t.Trusted { // nobody else can come
		limit = 0
	}
	next, _ := pipeline.MostSlots(t.crew.nodes, demand)
	fresh := count[pipeline.Committed]+count[pipeline.Accepted] == 0
	if !next.Known() || waited < limit && !fresh {
		return
	}
	why := fmt.Sprintf("no node with %s had been there for %s", now.Unlike(next), limit)
	if fresh || limit == 0 {
		why = fmt.Sprintf("no node with %s was there", now.Unlike(next))
	}
	t.startPin(j, pipeline.Pin{Build: next, Why: why, By: t.Node, Time: time.Now().UTC()})
}

// crewGap is the longest usual time between two looks at who is there.
func (t *term) crewGap() time.Duration { return t.pace.gap() + t.Terms.Expiry/4 }

// lookAtCrew reads who is there: seldom while those are there who are needed, since a job may wait for long only
// because they are at others.
func (t *term) lookAtCrew(missed persistence) {
	wait := t.Terms.Expiry / 4
	if !missed.since.IsZero() {
		wait = min(wait, t.Terms.Heartbeat)
	}
	if time.Since(t.crew.looked) < wait {
		return
	}
	t.crew.looked = time.Now()
	t.crew.nodes, t.crew.err = pipeline.Present(t.FS, min(t.Terms.SuspectAfter(), t.Terms.Expiry))
}

// startPin publishes another build. The first one that is published holds, and is read by the next look.
func (t *term) startPin(j *job, pin pipeline.Pin) {
	n := len(j.builds.pins) // the plan's own is among them
	background(t, "build", j, func(context.Context, *jobTask) error {
		t.Log.Warn("the film goes on with another build of its encoder", "job", j.ID, "build", pin.Build, "reason", pin.Why)
		return pin.Publish(t.FS, j.ID, n)
	}, t.orLater(j, "cannot change the build"))
}

// matchHeaders sends those results to be made anew whose parameter sets are not those of the newest build that a result
// is of. That is nobody's failure. alike: all accepted ones have the same.
func (t *term) matchHeaders(j *job, state []pipeline.ChunkFile) (alike bool) {
	if len(j.builds.pins) < 2 {
		return true
	}
	records, known := t.acceptedRecords(j, state)
	if !known {
		return false
	}
	var newest *pipeline.Record
	for _, r := range records {
		if r != nil && (newest == nil || j.builds.pins.Rank(r.Build) > j.builds.pins.Rank(newest.Build)) {
			newest = r
		}
	}
	alike = true
	for i, c := range state {
		r := records[i]
		if r == nil || r.Extradata == newest.Extradata {
			continue
		}
		alike = false
		t.makeAnew(j, badResult{ChunkFile: c, why: fmt.Sprintf(
			"made anew: %s writes other headers than %s, with which the film goes on", r.Build, newest.Build)},
			"a result is made anew: its headers are not those of the film's new build")
	}
	return alike
}
