package sim

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/distenc/distenc/pipeline"
)

// A film with a size is measured twice as it is looked at: what its chunks take is made up. An encode takes other bytes
// than were measured, so that budgets are corrected and results are made anew.

// simSize is the size of all films that have one: enough for every frame, with some CRF between the lowest and the
// highest.
var simSize = pipeline.Size{Amount: 100, Unit: "KB"}

var simRange = pipeline.CRFs{Least: 10, Most: 50, Step: 0.25, Span: 6}

// allot is what a plan begins with where films have a size: 1 KB for each frame.
func (w *world) allot(p *pipeline.Plan) {
	if p.Settings.Size.None() {
		return
	}
	p.Budget = &pipeline.Budget{Limit: int64(1000 * p.Frames), Rest: 100, Range: simRange}
	for range p.Chunks {
		p.Budget.Source = append(p.Budget.Source, 1)
	}
}

// takes is how many bytes a chunk's packets have with a CRF, measured or encoded.
func (w *world) takes(c *pipeline.Chunk, crf float64, encoded bool) int64 {
	need := 1 + float64(w.pick(fmt.Sprint("need", c.First), 20))
	if encoded {
		need *= 0.7 + float64(w.pick(fmt.Sprint("more", c.First), 60))/100
	}
	curve := pipeline.Curve{{CRF: 26, Bytes: int64(100 * need * float64(c.PTS.Len()))}}
	return int64(curve.Bytes(crf, simRange.Span))
}

// budget shares the bytes among the chunks of the plan that follows the analysis for it.
func (w *world) budget(p *pipeline.Plan) {
	b := *p.Budget
	for i := range p.Chunks {
		b.Curves = append(b.Curves, pipeline.NewCurve(
			pipeline.Point{CRF: 20, Bytes: w.takes(&p.Chunks[i], 20, false)},
			pipeline.Point{CRF: 30, Bytes: w.takes(&p.Chunks[i], 30, false)}))
	}
	b.CRFs, _, _ = b.Begin()
	p.Budget = &b
}

// isCorrection tells the corrections of budgets.
func isCorrection(name string) bool {
	_, file, _ := strings.Cut(strings.TrimPrefix(name, pipeline.Jobs+"/"), "/")
	return strings.HasPrefix(name, pipeline.Jobs+"/") && strings.HasPrefix(file, "budget-")
}

// corrected is I13: a correction never changes.
func (j *judge) corrected(s step, job string, i *inode) {
	j.tally("corrected")
	if before, ok := j.plans[s.name]; ok && before != string(i.data) {
		j.violate("I13", "a correction changes: "+s.String(), job)
	}
	j.plans[s.name] = string(i.data)
}

// withinSize is I13 too: an output that is decided for has the size that it may have.
func (j *judge) withinSize(s step, job string, output *inode) {
	var p pipeline.Plan
	text, ok := j.plans[pipeline.JobFile(job, "plan.json")]
	if !ok || json.Unmarshal([]byte(text), &p) != nil || !p.Budget.Known() {
		return
	}
	sum := p.Budget.Rest
	for _, l := range lines(output.data) {
		words := strings.Fields(l)
		if len(words) < 3 || words[0] != "chunk" {
			continue
		}
		c, ok := pipeline.ParseStem(words[2])
		var r pipeline.Record
		if file := j.ever[c.Record()]; !ok || file == nil || json.Unmarshal(file.data, &r) != nil {
			return // a person or a fault has had it
		}
		sum += r.Video
	}
	j.tally("sized")
	if sum > p.Budget.Limit {
		j.violate("I13", fmt.Sprintf("an output of %d bytes may have %d: %s", sum, p.Budget.Limit, s), job)
	}
}

// sizeOf is how large an output of this number of bytes counts: where the film's size is limited, by what its chunks
// took.
func sizeOf(p *pipeline.Plan, records []pipeline.Record, bytes int) (sum int64) {
	if !p.Budget.Known() {
		return int64(bytes)
	}
	sum = p.Budget.Rest
	for _, r := range records {
		sum += r.Video
	}
	return sum
}
