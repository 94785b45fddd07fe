package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// Correction is what takes the place of a budget's CRFs from some time on: jobs/<job>/budget-<n> has the nth one. It
// holds for chunks that are claimed after it; the results of those that it names are made anew.
type Correction struct {
	CRFs  []float64 `json:"crfs"`            // by chunk
	Again []int     `json:"again,omitempty"` // chunks whose earlier results must not be merged
	Rest  int64     `json:"rest"`            // as in Budget, as it is known by now
	Known int       `json:"known"`           // results that it was made from
	Took  []Point   `json:"took,omitempty"`  // those results, by chunk, where it names some
	Why   string    `json:"why,omitempty"`
	By    string    `json:"by,omitempty"`
	Time  time.Time `json:"time,omitzero"` // the master's wall clock, for people
}

// correctionName begins the names of corrections.
const correctionName = "budget-"

// maxCorrections bounds them: a film that can't be brought to its limit by so many never will be.
const maxCorrections = 99

// Corrections counts a job's.
func (d Folder) Corrections() (n int) {
	for n < maxCorrections && d[correctionName+strconv.Itoa(n+1)] {
		n++
	}
	return n
}

// Corrections are a job's, in their order.
type Corrections []Correction

// Load returns these and those after them of a plan's job that a listing of its folder has.
func (all Corrections) Load(f *sharefs.FS, p *Plan, dir Folder) (Corrections, error) {
	if !p.Budget.Known() {
		return nil, nil
	}
	all = slices.Clip(all)
	for n := len(all) + 1; n <= dir.Corrections(); n++ {
		var c Correction
		if err := ReadJSON(f, correctionFile(p.Job, n), maxPlan, &c); err != nil {
			return nil, err
		}
		if err := c.check(p); err != nil {
			return nil, fmt.Errorf("%s: %w", correctionFile(p.Job, n), err)
		}
		all = append(all, c)
	}
	return all, nil
}

func correctionFile(job string, n int) string {
	return path.Join(JobDir(job), correctionName+strconv.Itoa(n))
}

// check refuses what can't be a plan's correction.
func (c *Correction) check(p *Plan) error {
	if len(c.CRFs) != len(p.Chunks) || len(c.Took) > len(p.Chunks) || c.Rest < 0 || c.Rest > maxTold || !p.Budget.allows(c.CRFs) {
		return errors.New("is no correction of the plan's budget")
	}
	for _, i := range c.Again {
		if i < 0 || i >= len(p.Chunks) {
			return errors.New("has a chunk that is not planned")
		}
	}
	return nil
}

// Publish publishes the nth correction, durably. That another one was first is as good.
func (c Correction) Publish(f *sharefs.FS, job string, n int) error {
	if n > maxCorrections {
		return errors.New("the film's budget was corrected too often")
	}
	b, err := json.Marshal(c)
	if err == nil {
		_, _, err = f.PublishData(correctionFile(job, n), append(b, '\n'))
	}
	return err
}

// CRF is what a chunk that is claimed now is encoded with.
func (all Corrections) CRF(b *Budget, chunk int) float64 {
	if len(all) > 0 {
		return all[len(all)-1].CRFs[chunk]
	}
	return b.CRFs[chunk]
}

// Stale reports whether a result of a chunk, encoded when there were so many corrections, is to be made anew.
func (all Corrections) Stale(chunk, known int) bool {
	for n := len(all); n > max(0, known); n-- {
		if slices.Contains(all[n-1].Again, chunk) {
			return true
		}
	}
	return false
}

// missed counts how often results had to be made anew.
func (all Corrections) missed() (n int) {
	for _, c := range all {
		if len(c.Again) > 0 {
			n++
		}
	}
	return n
}

// Rest is how many bytes of the limit are not the video's packets, by the newest word on it.
func (all Corrections) Rest(b *Budget) int64 {
	if len(all) > 0 {
		return all[len(all)-1].Rest
	}
	return b.Rest
}

// known is how many results the newest correction was made from.
func (all Corrections) known() int {
	if len(all) > 0 {
		return all[len(all)-1].Known
	}
	return 0
}

// Spent is what came of a chunk: the bytes of its packets and the CRF it was encoded with.
type Spent struct {
	Bytes int64 // 0: there is no accepted result
	CRF   float64
	Free  bool // nobody has claimed it: its CRF can still be changed
}

const (
	// trust is the part of a film that must be encoded until what came of it counts as much as what was measured.
	trust = 0.03
	// drift is how far a correction moves from the plan's CRF while chunks are free: the last ones are not to look unlike
	// the others. What is left then is mended when all are there.
	drift = 1.5
	// leap is how far the CRF of a chunk that is encoded again moves at once.
	leap = 1.0
	// settled is the part of a limit by which what is expected may be off before anything is changed.
	settled = 0.003
)

// Correct changes the CRFs of chunks that nobody has claimed, where what is encoded so far says that the film will miss
// its size. ok is false if there is nothing to change.
func (all Corrections) Correct(b *Budget, spent []Spent) (c Correction, ok bool) {
	known, chunks := 0, b.shares()
	actual, expected := trust*float64(b.Limit), trust*float64(b.Limit)
	for i, s := range spent {
		if s.Bytes > 0 {
			known++
			actual, expected = actual+float64(s.Bytes), expected+chunks[i].at(s.CRF)
		}
	}
	if known < all.known()+max(1, len(spent)/10) {
		return c, false
	}
	factor := actual / max(1, expected)
	low, high := b.Range.Most, b.Range.Least
	for i, s := range spent {
		measured := chunks[i].at
		chunks[i].at = func(crf float64) float64 { return factor * measured(crf) }
		chunks[i].locked = !s.Free
		chunks[i].give(all.CRF(b, i))
		if s.Bytes > 0 {
			chunks[i].crf, chunks[i].bytes = s.CRF, float64(s.Bytes)
		}
		low, high = min(low, b.CRFs[i]), max(high, b.CRFs[i])
	}
	before, aim := chunks.crfs(), b.aim(all.Rest(b), all.missed())
	if math.Abs(chunks.bytes()-aim) < settled*float64(b.Limit) {
		return c, false
	}
	chunks.level(b.Range, aim, b.Range.Nearest(low-drift), b.Range.Nearest(high+drift))
	if slices.Equal(before, chunks.crfs()) {
		return c, false
	}
	return Correction{CRFs: chunks.crfs(), Rest: all.Rest(b), Known: known, Why: fmt.Sprintf(
		"what is encoded so far took %.1f%% of what was expected", 100*factor)}, true
}

// Mend says which of a film's results, all of which are there, are made anew so that the film has the size that it may
// have; ok is false if none need be. rest is that of the output, if one is there already, else what is expected.
// hopeless tells that it is too large with the highest CRF too.
func (all Corrections) Mend(b *Budget, spent []Spent, rest int64) (c Correction, ok, hopeless bool) {
	chunks, before := all.seen(b, spent), 0.0
	for _, s := range spent {
		before += float64(s.Bytes)
	}
	limit, missed := float64(b.Limit), all.missed()
	over, aim := before+float64(rest) > limit, b.aim(rest, missed)
	switch {
	case over:
		chunks.sweep(func() { chunks.save(b.Range, aim, max(leap, b.Range.Step)) })
		if chunks.bytes()+float64(rest) < limit*(1-accuracy) { // by a step that was too long
			chunks.spend(b.Range, aim, b.Range.Step)
		}
	case before+float64(rest) < limit*(1-accuracy) && missed < patience:
		chunks.sweep(func() { chunks.spend(b.Range, aim, max(leap, b.Range.Step)) })
	}
	c = Correction{CRFs: chunks.crfs(), Rest: rest, Known: len(spent), Why: fmt.Sprintf(
		"all of it took %.2f%% of the size that it may have", 100*(before+float64(rest))/limit)}
	for i, crf := range c.CRFs {
		if crf != spent[i].CRF {
			c.Again = append(c.Again, i)
		}
		c.Took = append(c.Took, Point{spent[i].CRF, spent[i].Bytes})
	}
	return c, len(c.Again) > 0, over && len(c.Again) == 0
}

// seen are the chunks of a film of which all are there: what each takes with another CRF is told by its earlier
// results, or else by how it was measured.
func (all Corrections) seen(b *Budget, spent []Spent) shares {
	chunks := b.shares()
	for i, s := range spent {
		points := []Point{{s.CRF, s.Bytes}}
		for _, c := range all {
			if len(c.Took) > i {
				points = append(points, c.Took[i])
			}
		}
		measured, factor := chunks[i].at, 1.0
		if c := NewCurve(points...); len(c) > 1 {
			measured = func(crf float64) float64 { return c.Bytes(crf, b.Range.Span) }
		}
		if m := measured(s.CRF); m > 0 {
			factor = float64(s.Bytes) / m
		}
		chunks[i].at = func(crf float64) float64 { return factor * measured(crf) }
		chunks[i].crf, chunks[i].bytes = s.CRF, float64(s.Bytes)
	}
	return chunks
}

// patience is how often a film is made larger that ended below its limit. One that ended above is made smaller as often
// as it takes.
const patience = 6
