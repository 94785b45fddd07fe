package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/distenc/distenc/pipeline"
)

// decided is I6.
func (j *judge) decided(s step, job string, i *inode) {
	if before, ok := j.decisions[job]; ok && before != string(i.data) {
		j.violate("I6", "a second decision: "+s.String(), job)
	}
	j.decisions[job] = string(i.data)
}

// decision returns a job's decision, if it is there for good.
func (j *judge) decision(job string) (pipeline.Decision, bool) {
	var d pipeline.Decision
	i := j.world.server.names[pipeline.JobFile(job, "decision")]
	if i == nil || !j.world.server.durable(pipeline.JobFile(job, "decision")) {
		return d, false
	}
	return d, json.Unmarshal(i.data, &d) == nil
}

func (j *judge) ended(job string) bool {
	_, ok := j.decision(job)
	return ok || j.world.server.names[pipeline.JobDir(job)] == nil || j.world.erased(job)
}

// out is I7: only the decided output, once, and exact.
func (j *judge) out(s step, i *inode) {
	job, ok := jobOf(s.src)
	d, decided := j.decision(job)
	switch {
	case !ok || s.op != "link":
		j.violate("I7", "something that is no job's output: "+s.String(), s.name)
	case !decided || !d.Act.Publishes() || pipeline.JobOut(job, d.Out) != s.src:
		j.violate("I7", "an output that was not decided for: "+s.String(), job)
	case j.published[job] != "" && !j.world.touched(j.published[job]):
		j.violate("I7", fmt.Sprintf("published twice, as %s before: %s", j.published[job], s), job)
	}
	j.published[job] = s.name
	j.tally("published")
	if d.Act == pipeline.ActSkipped {
		j.tally("skipped")
	}
	if bytes.HasPrefix(i.data, []byte("film ")) != (d.Act == pipeline.ActSkipped) {
		j.violate("I7", fmt.Sprintf("%s of another kind than was decided: %s", d.Act, s), job)
	}
	if err := j.world.exact(i.data); err != nil && !s.late {
		j.violate("promise 1", fmt.Sprintf("an output that is not its source: %v: %s", err, s), job)
	}
	j.byPlan(s, job, i)
	j.buffered(s, job, i)
	j.withinSize(s, job, i)
}

// moved counts the copies that were taken before they were whole, and is promise 2: a source goes to the
// archive after its output is out.
func (j *judge) moved(s step, i *inode) {
	if f := j.world.films[i.source]; f.how != "stalls" && strings.HasPrefix(s.src, pipeline.Inbox+"/") &&
		!j.world.whole(f) {
		j.tally("taken unfinished")
	}
	job, ok := jobOf(s.src)
	if ok && strings.HasPrefix(s.name, pipeline.Archive+"/") && j.published[job] == "" {
		j.violate("promise 2", "a source is put away before its output is out: "+s.String(), job)
	}
}

// replaced judges a file that a rename has overwritten.
func (j *judge) replaced(s step, old *inode) {
	if old.source != "" || ours(s.name) || strings.HasPrefix(s.name, pipeline.Outbox+"/") {
		j.violate("I8", "a rename over an existing file: "+s.String(), stemOf(s.name))
	}
}

// undone takes in what a power loss took back.
func (j *judge) undone(c change) {
	j.tally("undone")
	j.world.history.add("server", "fault", fmt.Sprintf("undone: %s %s %s", c.op, c.src, c.dst), nil, "")
	if job, ok := jobOf(c.dst); ok && c.dst == pipeline.JobFile(job, "decision") {
		delete(j.decisions, job)
	}
	delete(j.plans, c.dst)
	for job, name := range j.published {
		if c.dst == name {
			delete(j.published, job)
		}
	}
}
