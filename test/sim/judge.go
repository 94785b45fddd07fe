package sim

import (
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// step is one change on the server, as the judge sees it.
type step struct {
	node, op, src, name string
	late                bool // it was asked for long ago
}

func (s step) String() string {
	if s.src != "" {
		return fmt.Sprintf("%s: %s %s -> %s", s.node, s.op, s.src, s.name)
	}
	return fmt.Sprintf("%s: %s %s", s.node, s.op, s.name)
}

// judge holds every change against the invariants. Its methods are called under the server's lock.
type judge struct {
	world     *world
	ever      map[string]*inode // names that were made, and as what
	decisions map[string]string // by job, as it was first seen
	published map[string]string // by job: the name in the outbox
	plans     map[string]string // by name, as it was first seen
	looks     map[string]string // results of analyses, by stem, as they were accepted
	deleted   map[string]string // by source: the job that removed it after its output was out
	entries   map[string]string // of the history, by job, as they were first seen
	count     map[string]int    // of claims, commits and so on
	slowest   time.Duration     // from a node's trouble until a claim was taken from it

	mu    sync.Mutex
	wrong []violation
}

// violation is what must not happen.
type violation struct {
	rule, what string
	words      []string
}

func newJudge(w *world) *judge {
	return &judge{world: w, ever: map[string]*inode{}, decisions: map[string]string{}, published: map[string]string{},
		plans: map[string]string{}, looks: map[string]string{}, deleted: map[string]string{}, entries: map[string]string{},
		count: map[string]int{}}
}

// violate notes a violation and ends the run. words name what it is about, for the history.
func (j *judge) violate(rule, what string, words ...string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wrong = append(j.wrong, violation{rule, what, words})
	j.world.history.add("JUDGE", "fault", rule+": "+what, nil, "")
	j.world.stop()
}

// tally counts what happened, for tests that want it to.
func (j *judge) tally(what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.count[what]++
}

func (j *judge) violations() []violation {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.wrong
}

// ours tells names that the protocol makes and nobody may make twice.
func ours(name string) bool {
	dir, _, _ := strings.Cut(name, "/")
	return dir == "chunks" || dir == "leases" || dir == "jobs" && strings.Contains(name, "/out/")
}

// made judges a name that has just appeared: created, linked or renamed to.
func (j *judge) made(s step, i *inode) {
	if old := j.ever[s.name]; old != nil && old != i && ours(s.name) && s.node != people {
		j.violate("I1", "a name is made twice: "+s.String(), stemOf(s.name))
	}
	if j.ever[s.name] == nil {
		j.ever[s.name] = i
	}
	if s.node == people {
		return
	}
	j.foreign(s)
	job, _ := jobOf(s.name)
	if s.late {
		j.landed(job, i)
	}
	j.entered(s, i)
	switch {
	case strings.HasPrefix(s.name, pipeline.ClaimedDir+"/"):
		j.claimed(s)
	case strings.HasPrefix(s.name, pipeline.DoneDir+"/"):
		j.done(s)
	case strings.HasPrefix(s.name, pipeline.PendingDir+"/"):
		j.freed(s)
	case s.name == pipeline.JobFile(job, "decision") && s.op == "link":
		j.decided(s, job, i)
	case isCorrection(s.name) && s.op == "link":
		j.corrected(s, job, i)
	case isPlan(s.name) && s.op == "link":
		j.planned(s, job, i)
	case strings.HasPrefix(s.name, pipeline.Outbox+"/"):
		j.out(s, i)
	case strings.HasPrefix(s.name, pipeline.SetAsideDir+"/"):
		j.tally("set aside")
	case s.op == "link" && strings.HasPrefix(s.name, pipeline.JobFile(job, "build-")):
		j.tally("build changed")
	case i.source != "":
		j.moved(s, i)
	}
}

// landed counts what came late, and sources that came after their job had ended.
func (j *judge) landed(job string, i *inode) {
	j.tally("landed late")
	if _, ok := j.decision(job); ok && i.source != "" {
		j.tally("source landed after the end")
	}
}

// foreign is I10: a worker changes only what bears its own name; what it claims or frees is a move.
func (j *judge) foreign(s step) {
	if !strings.Contains(s.node, "-w") || strings.HasPrefix(s.name, pipeline.Nodes+"/") {
		return
	}
	mine := strings.Contains(s.name, s.node) || strings.Contains(s.src, s.node)
	if !mine {
		j.violate("I10", "a worker changes what is not its own: "+s.String(), stemOf(s.name))
	}
}

// claimed is T4 before T5: every claim has had its lease.
func (j *judge) claimed(s step) {
	c, ok := pipeline.ParseClaimed(path.Base(s.name))
	j.tally("claimed")
	if j.world.shouldRest(pipeline.NodeHost(c.Node)) { // where there are faults, the claim or the wish may have been late
		j.tally("claimed while it should rest")
	}
	if s.op == "create" {
		j.tally("second copy")
	}
	if ok && j.ever[path.Join(pipeline.Leases, c.Stem()+".hb")] == nil {
		j.violate("T4", "a claim without a lease: "+s.String(), c.ID())
	}
}

// done is I4 at the commit and I5 at the acceptance.
func (j *judge) done(s step) {
	c, ok := pipeline.ParseDone(path.Base(s.name))
	if ok && c.State == pipeline.Accepted { // late as well: it was read before it was asked for
		j.measured(c)
	}
	if !ok || s.late || s.op != "rename" {
		return
	}
	srv := j.world.server
	switch c.State {
	case pipeline.Committed:
		j.tally("committed")
		if c.Node != s.node {
			j.violate("I10", "a commit by another than the claim's holder: "+s.String(), c.ID())
		}
		for _, name := range []string{c.Result(), c.Record()} {
			if !srv.durable(name) && !j.ended(c.Job) && !j.world.touched(name) {
				j.violate("I4", fmt.Sprintf("committed before %s was durable: %s", name, s), c.ID())
			}
		}
	case pipeline.Accepted:
		j.tally("accepted")
		if c.Node == s.node {
			j.violate("I5", "accepted by its own writer: "+s.String(), c.ID())
		}
		if r := srv.names[c.Result()]; r != nil && !r.read[s.node] && !j.world.touched(c.Result()) {
			j.violate("I5", "accepted unread: "+s.String(), c.ID())
		}
	}
}

// freed is that nobody who works is taken for dead, where nothing but caches, lost answers, clocks and locks
// is wrong.
func (j *judge) freed(s step) {
	if strings.HasPrefix(s.src, pipeline.DoneDir+"/") {
		j.tally("rejected")
		if strings.Contains(s.src, ".ok.") {
			j.tally("rejected after it was accepted")
		}
	}
	j.early(s)
	c, ok := pipeline.ParseClaimed(path.Base(s.src))
	if !ok || !strings.HasPrefix(s.src, pipeline.ClaimedDir+"/") || s.node == c.Node || s.late {
		return
	}
	j.tally("expired")
	j.slowest = max(j.slowest, j.world.sinceTrouble(c.Node))
	if j.world.plan.gentle() && j.world.well(c.Node) {
		j.violate("liveness", "a claim is taken from a worker that is well: "+s.String(), c.ID())
	}
}

// early counts the copies that a master frees of chunks whose holder is silent.
func (j *judge) early(s step) {
	if strings.HasPrefix(s.src, pipeline.ClaimedDir+"/") {
		return
	}
	job, _ := jobOf(s.name)
	free, ok := pipeline.ParsePending(job, path.Base(s.name))
	for name := range j.world.server.names {
		c, claimed := pipeline.ParseClaimed(path.Base(name))
		if ok && claimed && path.Dir(name) == pipeline.ClaimedDir && c.ID() == free.ID() && c.Attempt == free.Attempt {
			j.tally("early copy")
			return
		}
	}
}

// lost counts the commits that came too late.
func (j *judge) lost(dst string) {
	if c, ok := pipeline.ParseDone(path.Base(dst)); ok && c.State == pipeline.Committed {
		j.tally("commit lost")
	}
}

// wrote is I3: one writer.
func (j *judge) wrote(node string, i *inode) {
	if node != i.writer && node != people {
		j.violate("I3", fmt.Sprintf("%s writes to a file of %s: %q", node, i.writer, i.data))
	}
}

// jobOf finds the job that a name belongs to.
func jobOf(name string) (string, bool) {
	for _, part := range strings.Split(name, "/") {
		if len(part) >= 14 && pipeline.ValidJob(part[:14]) {
			return part[:14], true
		}
	}
	return "", false
}

// stemOf is what a history about a name is searched for: its job and chunk.
func stemOf(name string) string {
	if job, ok := jobOf(name); ok {
		return job
	}
	return path.Base(name)
}

// well tells whether a node lives and nothing is wrong with it, nor was lately.
func (w *world) well(node string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.clients[node]
	_, troubled := w.troubled[node]
	return c != nil && c.alive() && !troubled
}

// sinceTrouble is how long ago something began to be wrong with a node.
func (w *world) sinceTrouble(node string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t, ok := w.troubled[node]; ok {
		return time.Since(t)
	}
	return 0
}
