package sim

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/worker"
)

// narrow is the decoder's buffer of films that have one.
var narrow = pipeline.Buffer{Rate: 100, Size: 100, Start: 0.9, Seam: 0.5}

// flow is what a chunk does to the decoder's buffer, by what it may count on. Some fit anywhere, some leave next to
// nothing until they get less, some take all that they may count on, and some fit nowhere.
func (e *encoder) flow(t *worker.Task, frames string) (pipeline.Flow, error) {
	b := t.Plan.Buffer
	if !b.Bounds() {
		return pipeline.Flow{}, nil
	}
	a, _, err := pipeline.LoadAllowance(e.share, t.File)
	if err != nil {
		return pipeline.Flow{}, err
	}
	if a == (pipeline.Allowance{}) {
		a = b.Allowed(t.File.Chunk > 0)
	}
	first, _, _ := strings.Cut(frames, "\n")
	switch kind := e.world.pick("flow "+first, 8); {
	case kind < 3:
		return taking(5, 5), nil
	case kind < 5 && a.Part == 1:
		return taking(85, 85), nil
	case kind < 7:
		return taking(90*a.Start*a.Part, 20), nil
	}
	return taking(120, 0), nil
}

// taking is the flow of a chunk that needs so much, and has so much less in the buffer at its end.
func taking(need, loss float64) pipeline.Flow {
	return pipeline.Flow{Need: need, Gain: -loss, Low: narrow.Size - need, End: narrow.Size - loss}
}

// buffered is that an output keeps to its decoder's buffer, but for chunks that were tried often enough.
func (j *judge) buffered(s step, job string, output *inode) {
	var p pipeline.Plan
	text, ok := j.plans[pipeline.JobFile(job, "plan.json")]
	if !ok || json.Unmarshal([]byte(text), &p) != nil || !p.Buffer.Bounds() {
		return
	}
	var flows []pipeline.Flow
	var chunks []pipeline.ChunkFile
	for _, l := range lines(output.data) {
		words := strings.Fields(l)
		if len(words) < 3 || words[0] != "chunk" {
			continue
		}
		c, _ := pipeline.ParseStem(words[2])
		i := j.ever[c.Record()]
		var r pipeline.Record
		if i == nil || json.Unmarshal(i.data, &r) != nil || r.Flow == (pipeline.Flow{}) {
			return // nobody can know
		}
		flows, chunks = append(flows, r.Flow), append(chunks, c)
	}
	for n, low := range p.Buffer.Joined(flows) {
		if tries := j.tightened(job, chunks[n]); low < 0 && tries < 5 {
			j.violate("buffer", fmt.Sprintf("chunk %d overruns it by %.0f after %d tries: %s", n, -low, tries, s), job)
		} else if tries > 0 {
			j.tally("made anew for the buffer")
		}
	}
}

// tightened counts the attempts of a chunk after which the next one was allowed less.
func (j *judge) tightened(job string, c pipeline.ChunkFile) int {
	attempts := map[string]bool{}
	for name, i := range j.ever {
		var r pipeline.Failure
		if now := j.world.server.names[name]; now != nil { // it was begun before, and could not be written
			i = now
		}
		if path.Dir(name) == pipeline.LogDir(job) && strings.HasPrefix(path.Base(name), c.ID()+".a") &&
			json.Unmarshal(i.data, &r) == nil && r.Allowance != (pipeline.Allowance{}) {
			attempts[fmt.Sprint(r.Attempt, r.Node)] = true
		}
	}
	return len(attempts)
}
