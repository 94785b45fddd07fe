package pipeline

import (
	"encoding/json"
	"fmt"

	"github.com/distenc/distenc/lease/sharefs"
)

// planFormat grows when a plan means something else than before. Whoever meets a later one leaves the job alone; the
// source of one before oldestFormat is given back, to be planned anew. 3: the settings name an encoder and its
// options. 4: the plan has a build, which one that reads 3 would not keep to. One of format 3 is finished as it was
// begun, by whatever build. 5: what was measured of the film, a part of its pictures that is kept, a wanted quality or
// size, bounds of a decoder's buffer, the form of the output's name, its date. A plan without any of them is written
// as one of format 4, for nodes that are not upgraded yet. Builds in between that read 5 may not know the latter two:
// they encode the same, and only their masters leave these out.
const (
	planFormat   = 5
	plainFormat  = 4
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

// LoadPlan reads the plan by which a job is encoded; fs.ErrNotExist while there is none.
func LoadPlan(f *sharefs.FS, id string) (*Plan, error) { return LoadPlanFor(f, id, "") }

// LoadPlanFor reads a job's plan for an analysis, or for the encode; fs.ErrNotExist while there is none.
func LoadPlanFor(f *sharefs.FS, id string, a Analysis) (*Plan, error) {
	p, name := &Plan{}, JobFile(id, planFile(a))
	if err := ReadJSON(f, name, maxPlan, p); err != nil {
		return nil, err
	}
	if p.Format < oldestFormat || p.Format > planFormat {
		return nil, &FormatError{Name: name, Format: p.Format, Earlier: p.Format < oldestFormat}
	}
	if p.Analysis != a {
		return nil, fmt.Errorf("%s is a plan for something else", name)
	}
	if err := p.check(id); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// plain reports whether the plan has nothing that format 4 does not know.
func (p *Plan) plain() bool {
	return p.Analysis == "" && len(p.Analysed) == 0 && p.Out.Crop == (Rect{}) && !p.Buffer.Bounds() &&
		p.Settings.unknownEarlier() == (Settings{})
}

// For returns a *FormatError where the plan leaves out what its job's settings want: an earlier version of distenc,
// which does not know that, has made it.
func (p *Plan) For(j *Job) error {
	if p.Settings.unknownEarlier() == j.Settings.unknownEarlier() {
		return nil
	}
	return &FormatError{Name: JobFile(j.ID, planFile(p.Analysis)), Format: p.Format, Earlier: true}
}

// Publish publishes the plan, durably; ours is false when another one was there first, and that one holds. What nobody
// could read is not published: no other one ever takes its place.
func (p *Plan) Publish(f *sharefs.FS) (ours bool, err error) {
	if p.Format, p.Nonce = planFormat, Nonce(12); p.plain() {
		p.Format = plainFormat
	}
	if err := p.check(p.Job); err != nil {
		return false, Refuse("The film can't be encoded as it is: its plan %s.", err).Because(err)
	}
	b, err := json.Marshal(p)
	if err != nil {
		return false, err
	}
	_, ours, err = f.PublishData(JobFile(p.Job, planFile(p.Analysis)), b)
	return ours, err
}
