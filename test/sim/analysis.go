package sim

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/worker"
)

// A result of an analysis is a chunk's frames behind "look <stem> <light>": no two attempts find the same. What is
// found in the film is the brightest of them. It is the plan's note, and each result of an encode and each chunk of an
// output has it: so they tell which results a plan was made from.

// look stores what was measured of a chunk.
func (e *encoder) look(t *worker.Task, frames string, build pipeline.Build) (*pipeline.Record, error) {
	light := crc32.ChecksumIEEE([]byte(t.File.Stem()))
	text := fmt.Appendf(nil, "look %s %010d\n%s", t.File.Stem(), light, frames)
	if err := e.share.Create(t.File.Partial(), text); err != nil {
		return nil, err
	}
	return &pipeline.Record{
		Size: int64(len(text)), CRC32: crcOf(text), Frames: t.Chunk.PTS.Len(), Build: build, Seconds: 1, Method: "sim",
	}, nil
}

// foundOf is the last word of a result's first line: the light that was measured, or what the plan found.
func foundOf(result []byte) string {
	first, _, _ := strings.Cut(string(result), "\n")
	return first[strings.LastIndexByte(first, ' ')+1:]
}

// found is what a plan was made with.
func found(p *pipeline.Plan) string { return cmp.Or(strings.Join(p.Notes, " "), "nothing") }

// Conclude implements master.Stages.
func (s stages) Conclude(
	ctx context.Context, _ *pipeline.Job, p *pipeline.Plan, chunks []pipeline.ChunkFile, records []pipeline.Record,
) (*pipeline.Plan, error) {
	refs, brightest := make([]pipeline.ResultRef, len(chunks)), ""
	for i, c := range chunks {
		text, err := s.share.Read(c.Result(), maxText)
		if err == nil {
			err = fits(text, &p.Chunks[i], &records[i])
		}
		switch {
		case errors.Is(err, fs.ErrNotExist) || err != nil && !sharefs.System(err):
			return nil, &pipeline.BadChunk{Index: i, Reason: err.Error()}
		case err != nil:
			return nil, err
		}
		refs[i], brightest = pipeline.RefTo(c, &records[i]), max(brightest, foundOf(text))
	}
	next := p.After(refs)
	if p.Analysis == pipeline.Bars {
		next.Notes = []string{brightest}
	} else {
		s.world.budget(next)
	}
	s.equip(next)
	return next, s.world.take(ctx, "conclude "+p.Job, 5*time.Second)
}

// isPlan tells the plans of jobs.
func isPlan(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(name, pipeline.Jobs+"/") &&
		(base == "plan.json" || strings.HasPrefix(base, "analysis-") && strings.HasSuffix(base, ".json"))
}

// measured keeps a result of an analysis as it is accepted.
func (j *judge) measured(c pipeline.ChunkFile) {
	if r := j.world.server.names[c.Result()]; c.Analysis != "" && r != nil {
		j.tally("measured")
		j.looks[c.Stem()] = string(r.data)
	}
}

// planned is I12: a plan never changes, and is made of accepted results alone, one for each chunk.
func (j *judge) planned(s step, job string, i *inode) {
	if before, ok := j.plans[s.name]; ok && before != string(i.data) {
		j.violate("I12", "a second plan: "+s.String(), job)
	}
	j.plans[s.name] = string(i.data)
	var p pipeline.Plan
	if err := json.Unmarshal(i.data, &p); err != nil || len(p.Analysed) == 0 {
		return
	}
	j.tally("concluded")
	brightest := ""
	for _, done := range p.Analysed {
		for n, r := range done.Results {
			c, _ := r.File()
			look, ok := j.looks[r.Stem]
			switch {
			case c.Job != job || c.Chunk != n || c.Analysis != done.Analysis:
				j.violate("I12", fmt.Sprintf("a plan is made of %s: %s", r.Stem, s), job)
			case !ok:
				j.violate("I12", fmt.Sprintf("a plan is made of %s, which was not accepted: %s", r.Stem, s), job)
			case crcOf([]byte(look)) != r.CRC32 && !j.world.touched(c.Result()):
				j.violate("I12", fmt.Sprintf("a plan is made of %s as it never was: %s", r.Stem, s), job)
			}
			if done.Analysis == pipeline.Bars {
				brightest = max(brightest, foundOf([]byte(look)))
			}
		}
	}
	if f := found(&p); f != cmp.Or(brightest, "nothing") {
		j.violate("I12", fmt.Sprintf("a plan with %s is made of results with %s: %s", f, brightest, s), job)
	}
}

// byPlan is that an output's chunks were encoded by the job's plan.
func (j *judge) byPlan(s step, job string, output *inode) {
	var p pipeline.Plan
	text, ok := j.plans[pipeline.JobFile(job, "plan.json")]
	if !ok || json.Unmarshal([]byte(text), &p) != nil {
		return
	}
	for _, l := range lines(output.data) {
		if strings.HasPrefix(l, "chunk ") && l[strings.LastIndexByte(l, ' ')+1:] != found(&p) {
			j.violate("I12", fmt.Sprintf("%q was not encoded by its plan, with %s: %s", l, found(&p), s), job)
			return
		}
	}
}
