package pipeline

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// Failure is one report of what went wrong with one attempt of a chunk, a file of its own in the job's
// log folder: jobs/<job>/log/<stem>.<reporter>.json. Whether a chunk is set aside is decided by them.
type Failure struct {
	Attempted
	Machine string  `json:"machine,omitempty"` // on which it was, as the node's file has it
	By      string  `json:"by"`                // who reports it
	Weight  float64 `json:"weight"`
	// Allowance is what of the decoder's buffer the chunk may count on from now on: its result was sound, but overran it
	// behind the chunk before.
	Allowance Allowance `json:"allowance,omitzero"`
	Retry     bool      `json:"retry,omitempty"`    // no failure: a person wants it tried again
	Forgives  []string  `json:"forgives,omitempty"` // with Retry: the reports, by file name, that do not count any more
	Reason    string    `json:"reason"`
	Log       string    `json:"log,omitempty"` // the encoder's last lines
	Command   string    `json:"command,omitempty"`
	Reported  time.Time `json:"time"`

	File string `json:"-"` // its name in the log folder
}

// What a failure weighs: an encoder that failed or a bad result counts one, a lease that ran out half
// (the machine may only have been switched off), work handed back nothing.
const (
	WeightFailed  = 1.0
	WeightExpired = 0.5
)

// Report writes a failure. A report that is there already is not written again. One that has a chunk tried again
// forgives all reports on it that are there: neither attempts nor times could tell what was before, because a
// chunk can have several files, each with attempts of its own, and nodes have clocks of their own.
func (r Failure) Report(f *sharefs.FS, c ChunkFile) error {
	if r.Retry {
		before, err := Failures(f, c)
		if err != nil {
			return err
		}
		for _, b := range before {
			r.Forgives = append(r.Forgives, b.File)
		}
	}
	r.Chunk, r.Attempt, r.Node, r.Reported = c.ID(), c.Attempt, c.Node, time.Now().UTC()
	if n, err := LoadNode(f, c.Node); err == nil {
		r.Machine = n.Machine
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	err = f.Create(JobLog(c.Job, c.Stem()+"."+r.By+".json"), append(b, '\n'))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// Failures reads the reports about one chunk of a job, oldest attempt first.
func Failures(f *sharefs.FS, c ChunkFile) ([]Failure, error) { return reports(f, c.Job, c.ID()+".a") }

// JobFailures reads all reports about a job's chunks, by chunk and attempt.
func JobFailures(f *sharefs.FS, job string) ([]Failure, error) { return reports(f, job, job+".") }

// Unforgiven leaves out the reports that a later one forgives.
func Unforgiven(reports []Failure) (left []Failure) {
	forgiven := map[string]bool{}
	for _, r := range reports {
		for _, file := range r.Forgives {
			forgiven[file] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(reports), func(r Failure) bool { return forgiven[r.File] })
}

// LoadAllowance reads what of the decoder's buffer a chunk may count on by the reports about it, and how often it was
// given less. Forgiven reports do not count, nor one that no master can have meant. The zero Allowance: what the plan
// says.
func LoadAllowance(f *sharefs.FS, c ChunkFile) (a Allowance, times int, err error) {
	reports, err := Failures(f, c)
	if errors.Is(err, fs.ErrNotExist) { // a person removed the folder
		err = nil
	}
	given := map[string]bool{} // two masters may have reported one attempt
	for _, r := range Unforgiven(reports) {
		if !r.Allowance.valid() {
			continue
		}
		if given[fmt.Sprint(r.Attempt, r.Node)] = true; a == (Allowance{}) {
			a = r.Allowance
		}
		a.Start, a.Part = min(a.Start, r.Allowance.Start), min(a.Part, r.Allowance.Part)
	}
	return a, len(given), err
}

// LoadReport reads one report by its name in a job's log folder.
func LoadReport(f *sharefs.FS, job, name string) (r Failure, err error) {
	if !strings.HasSuffix(name, ".json") {
		return r, fs.ErrNotExist
	}
	if err = ReadJSON(f, JobLog(job, name), maxSmall, &r); err == nil && !strings.HasPrefix(name, r.Chunk+".a") {
		err = fmt.Errorf("%s is a report on another chunk", JobLog(job, name))
	}
	r.File = name
	return r, err
}

// reports reads those whose names begin so. One that can't be read is left out.
func reports(f *sharefs.FS, job, prefix string) (all []Failure, err error) {
	names, err := f.List(LogDir(job))
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if !strings.HasPrefix(n, prefix) {
			continue
		}
		if r, err := LoadReport(f, job, n); err == nil {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Chunk, b.Chunk), cmp.Compare(a.Attempt, b.Attempt))
	})
	return all, nil
}
