package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
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

// maxCorrections bounds them: a film that 99 of them can't bring to its limit never will be.
const maxCorrections = 99

// Corrections counts a job's.
func (d Folder) Corrections() int { return d.numbered(correctionName, maxCorrections) }

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
	if len(c.CRFs) != len(p.Chunks) || len(c.Took) > len(p.Chunks) || c.Rest < 0 || c.Rest > maxTold ||
		!p.Budget.allows(c.CRFs) {
		return errors.New("is no correction of the plan's budget")
	}
	for _, took := range c.Took {
		if !p.Budget.Range.Has(took.CRF) || took.Bytes < 0 || took.Bytes > maxTold {
			return errors.New("was made from a result that can't be")
		}
	}
	for _, i := range c.Again {
		if i < 0 || i >= len(p.Chunks) {
			return errors.New("has a chunk that is not planned")
		}
	}
	return nil
}

// Publish publishes the nth correction of a plan's budget, durably. That another one was first is as good. One that
// nobody could read is not published: no other one ever takes its place.
func (c Correction) Publish(f *sharefs.FS, p *Plan, n int) error {
	if n > maxCorrections {
		return errors.New("the film's budget was corrected too often")
	}
	if err := c.check(p); err != nil {
		return fmt.Errorf("%s: %w", correctionFile(p.Job, n), err)
	}
	b, err := json.Marshal(c)
	if err == nil {
		_, _, err = f.PublishData(correctionFile(p.Job, n), append(b, '\n'))
	}
	return err
}

// Exhausted reports whether there can be no further one.
func (all Corrections) Exhausted() bool { return len(all) >= maxCorrections }

// CRF is what a chunk that is claimed now is encoded with.
func (all Corrections) CRF(b *Budget, chunk int) float64 {
	if len(all) > 0 {
		return all[len(all)-1].CRFs[chunk]
	}
	return b.CRFs[chunk]
}

// Stale reports whether a chunk's result must be made anew. known is the number of corrections its worker knew; a
// number that can't be counts as 0.
func (all Corrections) Stale(chunk, known int) bool {
	if known > len(all) {
		known = 0
	}
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
