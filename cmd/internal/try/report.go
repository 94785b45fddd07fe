// Package try shows what `distenc try` found out about a film: as figures for programs, as a table, and as a page
// with pictures.
package try

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/sample"
	"github.com/distenc/distenc/pipeline/status"
)

// Report is what is shown of a sample.
type Report struct {
	File     pipeline.RawName `json:"file"` // absolute
	Size     int64            `json:"size"` // of the source, in bytes
	Frames   int              `json:"frames"`
	Seconds  float64          `json:"seconds"` // of the film
	Page     pipeline.RawName `json:"page"`    // absolute
	Profiles []Profile        `json:"profiles"`

	moments []sample.Moment
}

// Profile is what is shown of one profile. Of one that the film can't be encoded with it is the reason alone.
type Profile struct {
	Name    string   `json:"profile"`
	Encoder string   `json:"encoder"`
	Options string   `json:"options"`
	Refused string   `json:"refused,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	// Exact: all of the film was encoded.
	Exact   bool            `json:"exact"`
	Sampled int             `json:"sampled_frames"`
	Size    sample.Estimate `json:"size"`       // of the output, in bytes
	Rest    int64           `json:"rest_bytes"` // of Size: all but the video
	Time    sample.Estimate `json:"time"`       // seconds on this machine
	Farm    *Farm           `json:"farm,omitempty"`
	Scores
	Quality string        `json:"quality"`       // that was asked for
	CRF     *sample.Range `json:"crf,omitempty"` // that gives it
}

// Scores are how near the encoded pictures are to the film's.
type Scores struct {
	SSIM  float64  `json:"ssim"`
	Worst float64  `json:"ssim_worst"`     // of one frame, of those that were encoded
	At    float64  `json:"ssim_worst_at"`  // seconds from the film's start
	VMAF  *float64 `json:"vmaf,omitempty"` // mean; nil where this ffmpeg does not have it
}

// Farm is what the nodes that are there would take.
type Farm struct {
	Time     sample.Estimate `json:"time"` // seconds
	Nodes    int             `json:"nodes"`
	Measured int             `json:"measured"` // of them have encoded with these settings; the others count as their mean
}

// NewReport reports a sample of the film at a path, taken with so many encodes side by side.
func NewReport(path string, s *sample.Sample, slots int) *Report {
	r := &Report{File: pipeline.RawName(path), Size: s.Size, Frames: s.Frames, Seconds: s.Seconds, moments: s.Moments}
	for _, c := range s.Candidates {
		p := Profile{
			Name: c.Settings.Profile, Encoder: c.Settings.Encoder, Options: c.Settings.Options, Refused: c.Refused,
			Notes: c.Notes, Exact: c.Whole, Sampled: c.Sampled(), Size: c.Size, Rest: c.Rest,
			Time: c.Time(slots), Scores: Scores{c.SSIM, c.Worst.SSIM, c.Worst.Time, c.VMAF},
			Quality: c.Settings.Quality.String(), CRF: c.CRF(),
		}
		r.Profiles = append(r.Profiles, p)
	}
	return r
}

// AskFarm adds what the nodes that are there would take, each as fast as it was with these settings, or else as the
// others are, or else as this machine's slots.
func (r *Report) AskFarm(s *sample.Sample, crew []pipeline.SeenNode) {
	for i, c := range s.Candidates {
		if c.Refused != "" || len(crew) == 0 {
			continue
		}
		farm := &Farm{Nodes: len(crew)}
		var known, slots, all float64 // mean frames a second, and slots
		for _, n := range crew {
			all += float64(n.Slots)
			if pace := status.Pace(&n.Node, c.Plan()); pace > 0 {
				farm.Measured++
				known, slots = known+pace*float64(n.Slots), slots+float64(n.Slots)
			}
		}
		pace := float64(s.Frames) / max(1e-9, c.Work.Value)
		if slots > 0 {
			pace = known / slots
		}
		width := c.Work.Times(1 / max(1e-9, c.Work.Value)) // as a part
		farm.Time = width.Times(float64(s.Frames) / max(1e-9, pace*all))
		r.Profiles[i].Farm = farm
	}
}

// Empty reports whether there is nothing to show: the film can't be encoded with any of the profiles.
func (r *Report) Empty() bool {
	return !slices.ContainsFunc(r.Profiles, func(p Profile) bool { return p.Refused == "" })
}

// Failed returns an error with a line for each profile that the film can't be encoded with.
func (r *Report) Failed(failed error) (all error) {
	for _, p := range r.Profiles {
		if p.Refused != "" {
			err := fmt.Errorf("%w: %q with the profile %s: %s", failed, filepath.Base(string(r.File)), p.Name, p.Refused)
			all = errors.Join(all, err)
		}
	}
	return all
}
