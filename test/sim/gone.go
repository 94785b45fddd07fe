package sim

import (
	"path"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
)

// gone judges a name that was unlinked.
func (j *judge) gone(s step, i *inode) {
	if s.node == people {
		return
	}
	j.dropped(s, i)
	job, ok := jobOf(s.name)
	if i.source != "" && (i.nlink == 0 || strings.HasPrefix(s.name, pipeline.Archive+"/")) { // else it has another name
		j.removed(s, i, job)
	}
	if strings.Contains(s.node, "-w") && !strings.Contains(s.name, s.node) &&
		!strings.HasPrefix(s.name, pipeline.Nodes+"/") {
		j.violate("I10", "a worker removes what is not its own: "+s.String(), stemOf(s.name))
	}
	if strings.HasSuffix(s.name, ".enc") && j.useless(s.name) {
		j.tally("orphan swept")
	}
	if !ok || isStaging(s.name) || j.ended(job) || !ours(s.name) || strings.HasPrefix(s.name, "jobs/") ||
		strings.HasPrefix(s.name, "leases/") {
		return
	}
	if strings.HasPrefix(s.name, pipeline.PendingDir+"/") && j.accepted(s.name, job) {
		return // a surplus copy
	}
	if j.past(s.name) {
		return
	}
	if strings.HasPrefix(s.name, pipeline.ClaimedDir+"/") && (i.writer == s.node || j.copied(s.name)) {
		j.tally("dropped") // a second copy, by the one who has just made it or by a master
		return
	}
	if j.useless(s.name) {
		return
	}
	j.violate("I2", "something of a job that goes on is removed: "+s.String(), stemOf(s.name))
}

// removed is I11: a source may go if the settings say so, when its output is out for good. A skipped one has further
// names in the archive and in its job's folder; the latter is the last one where a person has taken the one in the
// outbox away.
func (j *judge) removed(s step, i *inode, job string) {
	out := j.published[job]
	safe := out != "" && (j.world.server.durable(out) || j.world.touched(out))
	inside := strings.HasPrefix(s.name, pipeline.Archive+"/") || strings.HasPrefix(s.name, pipeline.OutOf(job)+"/")
	if j.world.plan.keep == "delete" && inside && safe {
		j.deleted[i.source] = job
		return
	}
	j.violate("I11", "a source is removed: "+s.String(), stemOf(s.name))
}

// past tells a chunk that was to be measured for a plan that is there for good, or for one before it.
func (j *judge) past(name string) bool {
	c, ok := chunkFile(name)
	next := []string{"plan.json"}
	if c.Analysis == pipeline.Bars {
		next = append(next, "analysis-rate.json")
	}
	return ok && c.Analysis != "" && slices.ContainsFunc(next, func(plan string) bool {
		return j.world.server.durable(pipeline.JobFile(c.Job, plan))
	})
}

// accepted tells whether the pending file's chunk is accepted.
func (j *judge) accepted(name, job string) bool {
	c, ok := pipeline.ParsePending(job, path.Base(name))
	if !ok {
		return false
	}
	for base := range j.world.server.kids[pipeline.DoneOf(job)] {
		if d, ok := pipeline.ParseDone(base); ok && d.ID() == c.ID() && d.State == pipeline.Accepted {
			return true
		}
	}
	return false
}

// copied tells whether the claimed file's chunk has another file, so that nothing of it is lost.
func (j *judge) copied(name string) bool {
	c, ok := pipeline.ParseClaimed(path.Base(name))
	for other := range j.world.server.names {
		if d, is := chunkFile(other); ok && is && other != name && d.ID() == c.ID() {
			return true
		}
	}
	return false
}

// chunkFile reads the name of a chunk's file, wherever it lies.
func chunkFile(name string) (c pipeline.ChunkFile, ok bool) {
	dir, base := path.Split(name)
	switch dir = path.Clean(dir); {
	case dir == pipeline.ClaimedDir:
		return pipeline.ParseClaimed(base)
	case path.Dir(dir) == pipeline.PendingDir:
		return pipeline.ParsePending(path.Base(dir), base)
	case path.Dir(dir) == pipeline.DoneDir:
		return pipeline.ParseDone(base)
	case path.Dir(dir) == pipeline.SetAsideDir:
		return pipeline.ParseFailed(base)
	}
	return c, false
}

// useless tells a result or record whose chunk file is no longer in its writer's hands nor committed.
func (j *judge) useless(name string) bool {
	base := path.Base(name)
	stem := strings.TrimSuffix(strings.TrimSuffix(base, ".enc"), ".json")
	c, ok := pipeline.ParseStem(stem)
	if !ok || stem == base {
		return false
	}
	for _, kind := range []pipeline.Kind{pipeline.KindPiece, pipeline.KindRange} {
		c.Kind = kind
		if j.world.server.names[c.In(pipeline.Committed).Path()] != nil ||
			j.world.server.names[c.In(pipeline.Accepted).Path()] != nil {
			return false
		}
	}
	return true
}
