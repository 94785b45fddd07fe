package sample

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
)

// Candidate is one of the settings, and what was found out about the film with them.
type Candidate struct {
	Settings pipeline.Settings
	Refused  string   // why the film can't be encoded with them, as a sentence for a person; empty: it can
	Notes    []string // as a job's plan has them
	Whole    bool     // all of the film was encoded
	Rest     int64    // bytes of the output that are not video: sound, subtitles, fonts, the container's own

	Size  Estimate // of the output, in bytes
	Work  Estimate // seconds that one slot takes for the whole film
	SSIM  float64  // mean of all frames
	Worst Point    // the frame with the lowest SSIM of those that were seen
	VMAF  *float64 // mean of all frames; nil where this ffmpeg does not have it

	plan   *pipeline.Plan
	chunks int // of the whole film, about
	worst  int // number of the frame of Worst
	overhead
	encoded
}

// overhead is the seconds that an encode takes beside those for its frames.
type overhead struct {
	start   float64 // before its first frame
	dropped float64 // for a frame that is decoded and dropped
	around  float64 // of the film: before its first chunk and behind the last one
}

// encoded is what was encoded of the film.
type encoded struct {
	strata [][]cell // nil where all of it was
	pilot  part

	mu     sync.Mutex
	parts  []part
	failed error // of a part that did not decode as planned
}

// Point is the score of one frame.
type Point struct {
	Time float64 // seconds from the film's start
	SSIM float64
}

func (e *encoded) add(p part) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.parts = append(e.parts, p)
}

func (e *encoded) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failed = err
}

// byStratum are the parts, by the strata that their cells are of.
func (e *encoded) byStratum() [][]part {
	at := map[int]part{}
	for _, p := range e.parts {
		at[p.from] = p
	}
	out := make([][]part, len(e.strata))
	for i, stratum := range e.strata {
		for _, cell := range stratum {
			if p, ok := at[cell.from]; ok {
				out[i] = append(out[i], p)
			}
		}
	}
	return out
}

// judge estimates the whole film from the parts.
func (c *Candidate) judge(s *Sample) {
	sizes, times := make([]stratum, len(c.strata)), make([]stratum, len(c.strata))
	for i, parts := range c.byStratum() {
		sizes[i].cells, times[i].cells = len(c.strata[i]), len(c.strata[i])
		for _, cell := range c.strata[i] {
			sizes[i].known += cell.source
			times[i].known += cell.work
		}
		keys := c.forced(s, parts)
		for _, p := range parts {
			sizes[i].drawn = append(sizes[i].drawn, drawn{p.source, p.inWhole(keys)})
			times[i].drawn = append(times[i].drawn, drawn{p.work, p.took(c.start, c.dropped)})
		}
	}
	c.Size = estimate(sizes).Plus(float64(c.Rest))
	c.Work = estimate(times).Plus(c.start * float64(c.chunks))
}

// score sums up how near the pictures are. Parts count by the frames of the stratum that they stand for.
func (c *Candidate) score(film *film, vmaf bool) {
	c.SSIM = c.over(ssimOf)
	if vmaf {
		v := c.over(vmafOf)
		c.VMAF = &v
	}
	c.Worst.SSIM = 1
	for _, p := range measured(c.parts) {
		if frame, ssim := p.worst(); ssim <= c.Worst.SSIM {
			c.worst, c.Worst = frame, Point{film.at(frame), ssim}
		}
	}
}

// over is the mean over the whole film's frames.
func (c *Candidate) over(of func(part) float64) float64 {
	if c.Whole {
		return mean(measured(c.parts), of)
	}
	sum, frames := 0.0, 0
	for i, parts := range c.byStratum() {
		own := 0
		for _, cell := range c.strata[i] {
			own += cell.frames()
		}
		if parts = measured(parts); len(parts) > 0 {
			sum, frames = sum+mean(parts, of)*float64(own), frames+own
		}
	}
	return sum / float64(max(1, frames))
}

// forced is how many key frames a frame has in the whole film beside those where scenes begin, in scenes like these.
func (c *Candidate) forced(s *Sample, like []part) float64 {
	scenes, frames := 0, 0
	for _, p := range like {
		scenes, frames = scenes+p.scenes, frames+p.frames()
	}
	interval := 0
	if _, options, err := encoder.Of(c.plan.Settings); err == nil {
		interval = options.KeyFrames(c.plan.Video)
	}
	chunk := s.Frames / c.chunks
	return forcedKeys(float64(scenes)/float64(max(1, frames)), s.film.atScene, chunk, interval)
}

// need is how many seconds it would take to encode the whole film and to measure it.
func (c *Candidate) need(s *Sample) float64 {
	parts := append([]part{c.pilot}, c.parts...)
	var spent, work float64
	for _, p := range parts {
		spent, work = spent+max(0, p.spent-c.start), work+p.window.work
	}
	film := s.film.cell(0, s.Frames)
	slots := float64(s.req.Slots)
	return spent/work*film.work/slots + c.start*math.Ceil(float64(c.chunks)/slots)
}

// Range is of numbers that were found.
type Range struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// bound notes what a bound for the output's size would do, for a source's file of so many bytes.
func (c *Candidate) bound(source int64) {
	limit := float64(c.Settings.MaxSize.Of(source))
	says := fmt.Sprintf("max_size = %q", c.Settings.MaxSize)
	switch {
	case limit == 0 || c.Size.High <= limit:
	case c.Size.Low > limit:
		c.Notes = append(c.Notes, "The job would be skipped, and the source published as it is: the output would be larger "+
			"than "+says+" allows.")
	default:
		c.Notes = append(c.Notes, "The job may be skipped: the output comes near to what "+says+" allows.")
	}
}

// CRF is with which the parts got the wanted quality; nil where none is wanted.
func (c *Candidate) CRF() *Range {
	if c.Settings.Quality.None() || len(c.parts) == 0 {
		return nil
	}
	r := &Range{math.Inf(1), math.Inf(-1)}
	for _, p := range c.parts {
		r.Low, r.High = min(r.Low, p.record.Quality.CRF), max(r.High, p.record.Quality.CRF)
	}
	return r
}

// Sampled is how many frames were encoded.
func (c *Candidate) Sampled() (frames int) {
	for _, p := range c.parts {
		frames += p.frames()
	}
	return frames
}

// Plan is the film's with these settings, cut finer than a job's.
func (c *Candidate) Plan() *pipeline.Plan { return c.plan }

// Time is how many seconds the whole film takes in so many slots: to be read, planned, encoded and merged. Chunks that
// were not encoded take about the same time, so that with seven of them in two slots one slot has none at the end.
func (c *Candidate) Time(slots int) Estimate {
	slots, chunks := max(1, slots), max(1, c.chunks)
	if c.Whole {
		return exactly(c.busy(slots) + c.around)
	}
	turns := (chunks + slots - 1) / slots
	return c.Work.Times(float64(turns) / float64(chunks)).Plus(c.around)
}

// busy is how many seconds the slots take for all parts, each as soon as a slot is free, the longest first.
func (c *Candidate) busy(slots int) float64 {
	ends := make([]float64, slots)
	longest := slices.Clone(c.parts)
	slices.SortFunc(longest, func(a, b part) int { return cmp.Compare(b.seconds, a.seconds) })
	for _, p := range longest {
		slices.Sort(ends)
		ends[0] += p.seconds
	}
	return slices.Max(ends)
}
