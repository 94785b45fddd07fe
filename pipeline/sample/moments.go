package sample

import (
	"cmp"
	"context"
	"slices"

	"github.com/distenc/distenc/pipeline/encode"
)

// Moment is one picture of the film, as the source has it and as the candidates make it.
type Moment struct {
	Time    float64 // seconds from the film's start
	Source  []byte  // JPEG
	Results []Shown // one for each candidate
}

// Shown is a candidate's picture.
type Shown struct {
	Candidate int // its number in Sample.Candidates
	SSIM      float64
	Picture   []byte // JPEG
	Worst     bool   // the worst of the candidate's that was seen
}

// eachShows is how many moments each candidate is looked at: where it is at its worst, each in another part. All are
// some megabytes of JPEG.
const eachShows = 3

// moments finds the candidates' worst pictures, and those that the others make of them.
func (r *run) moments(ctx context.Context) error {
	r.req.Progress(1, "fetching pictures")
	frames := []int{} // their numbers in the film
	for _, c := range r.sampled() {
		parts := measured(c.parts)
		slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(slices.Min(a.scores), slices.Min(b.scores)) })
		for _, p := range parts[:min(eachShows, len(parts))] {
			frame, _ := p.worst()
			frames = append(frames, frame)
		}
	}
	slices.Sort(frames)
	for _, n := range slices.Compact(frames) {
		m, err := r.moment(ctx, n)
		if err != nil {
			return err
		}
		r.Moments = append(r.Moments, m)
	}
	slices.SortStableFunc(r.Moments, func(a, b Moment) int { return cmp.Compare(a.rank(), b.rank()) })
	return nil
}

// rank is what the moments are sorted by: each candidate's worst picture comes before all that are not.
func (m Moment) rank() (rank float64) {
	rank = 2
	for _, s := range m.Results {
		r := s.SSIM
		if !s.Worst {
			r++
		}
		rank = min(rank, r)
	}
	return rank
}

// moment shows one frame of the film. The source's picture is as the candidate with the largest ones has it.
func (r *run) moment(ctx context.Context, frame int) (m Moment, err error) {
	m.Time = r.film.at(frame)
	largest := 0
	for i, c := range r.Candidates {
		k := slices.IndexFunc(c.parts, func(p part) bool { return p.from <= frame && frame < p.to })
		if k < 0 {
			continue
		}
		p := c.parts[k]
		if len(p.scores) == 0 {
			continue
		}
		shown := Shown{Candidate: i, SSIM: p.scores[frame-p.from], Worst: frame == c.worst}
		if shown.Picture, err = encode.ResultStill(ctx, r.tools, p.req, frame-p.window.from); err != nil {
			return m, err
		}
		m.Results = append(m.Results, shown)
		if size := c.plan.Out.Width * c.plan.Out.Height; size > largest {
			largest = size
			m.Source, err = encode.SourceStill(ctx, r.tools, p.req, p.record.Method, frame-p.window.from)
			if err != nil {
				return m, err
			}
		}
	}
	return m, nil
}
