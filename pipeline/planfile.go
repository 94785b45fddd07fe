package pipeline

import (
	"encoding/json"
	"fmt"

	"github.com/distenc/distenc/lease/sharefs"
)

// planFormat grows when a plan means something else than before. Whoever meets a later one leaves the job alone; the
// source of one before oldestFormat is given back, to be planned anew. 3: the settings name an encoder and its options.
// 4: the plan has a build, which one that reads 3 would not keep to. One of format 3 is finished as it was begun, by
// whatever build.
const (
	planFormat   = 4
	oldestFormat = 3
)

// FormatError is the error for a plan of another version of distenc.
type FormatError struct {
	Name    string
	Format  int
	Earlier bool // than this version's
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s was written by another version of distenc (format %d, this one reads %d): let that version "+
		"finish the job, or "+
		"cancel it and add its file again", e.Name, e.Format, planFormat)
}

// LoadPlan reads a job's plan.json; fs.ErrNotExist while there is none.
func LoadPlan(f *sharefs.FS, id string) (*Plan, error) {
	p := &Plan{}
	if err := ReadJSON(f, JobFile(id, planName), maxPlan, p); err != nil {
		return nil, err
	}
	if p.Format < oldestFormat || p.Format > planFormat {
		return nil, &FormatError{Name: JobFile(id, planName), Format: p.Format, Earlier: p.Format < oldestFormat}
	}
	if err := p.check(id); err != nil {
		return nil, fmt.Errorf("%s: %w", JobFile(id, planName), err)
	}
	return p, nil
}

// Publish publishes the plan, durably; ours is false when another one was there first, and that one holds.
func (p *Plan) Publish(f *sharefs.FS) (ours bool, err error) {
	p.Format, p.Nonce = planFormat, Nonce(12)
	b, err := json.Marshal(p)
	if err != nil {
		return false, err
	}
	_, ours, err = f.PublishData(JobFile(p.Job, planName), b)
	return ours, err
}
