package sample

import (
	"context"
	"errors"
	"math"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/split"
)

// Request is what Take samples.
type Request struct {
	Path     string // the film, absolute
	Dir      string // an empty folder for what is written meanwhile, absolute, which the caller removes
	Settings []pipeline.Settings
	Time     time.Duration // to be spent on encoding and measuring, about: some rounds are taken in any case
	Slots    int           // encodes side by side
	Threads  int           // of each
	Nice     int
	// Progress is called when a part of the time is over, 0 to 1, with what is going on. If nil, it is not called.
	Progress func(part float64, what string)
}

// Sample is what was found out about a film.
type Sample struct {
	Frames     int
	Seconds    float64 // of the film
	Size       int64   // of the source's file, in bytes
	Candidates []*Candidate
	Moments    []Moment // the candidates' worst frames, the worst first

	film    *film
	reading float64 // seconds that it took to read the source once
	tools   media.Tools
	req     Request
}

// Take samples the film with each of the settings. Settings with which the film can't be encoded are told by their
// candidate's Refused. The error is a *pipeline.Refusal if the film can't be encoded whatever they are.
func Take(ctx context.Context, tools media.Tools, req Request) (*Sample, error) {
	if req.Progress == nil {
		req.Progress = func(float64, string) {}
	}
	req.Progress(0, "reading the film")
	info, err := os.Stat(req.Path)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	scan, err := split.ScanFile(ctx, tools, req.Path)
	if err != nil {
		return nil, err
	}
	s := &Sample{Size: info.Size(), film: &film{path: req.Path, scan: scan}, tools: tools, req: req,
		reading: time.Since(began).Seconds()}
	if err := s.plan(ctx); err != nil || len(s.sampled()) == 0 {
		return s, err
	}
	s.Frames, s.Seconds = len(s.film.frames), s.film.seconds()
	for _, c := range s.sampled() {
		c.chunks = max(1, int(math.Round(s.Seconds/max(1, c.Settings.Chunk))))
	}
	r := &run{Sample: s, ends: time.Now().Add(req.Time)}
	if r.vmaf, err = canVMAF(ctx, tools); err != nil {
		return nil, err
	}
	if err := r.all(ctx); err != nil {
		return nil, err
	}
	for _, c := range r.sampled() {
		c.score(s.film, r.vmaf)
		c.bound(s.Size)
	}
	return s, r.moments(ctx)
}

// A merge reads the source and all chunks, and the output once more. A private share looks whether there is something
// to do every now and then, so each step of a job waits a moment.
const (
	mergeReads = 3
	moments    = 2.5 // seconds
)

// plan plans the film with all settings.
func (s *Sample) plan(ctx context.Context) error {
	for _, set := range s.req.Settings {
		began := time.Now()
		c := &Candidate{Settings: set}
		s.Candidates = append(s.Candidates, c)
		plan, err := s.film.plan(ctx, s.tools, s.req, set)
		if err == nil {
			c.plan, c.Notes = plan, plan.Notes
			c.Rest, err = s.film.rest(ctx, s.tools, plan)
		}
		if refused, ok := errors.AsType[*pipeline.Refusal](err); ok {
			c.Refused = refused.Reason
		} else if err != nil {
			return err
		}
		c.around = (1+mergeReads)*s.reading + time.Since(began).Seconds() + moments
	}
	return nil
}

// run is a sample that is being taken.
type run struct {
	*Sample
	ends time.Time
	vmaf bool // this ffmpeg has it

	telling sync.Mutex // one at a time
}

// canVMAF reports whether ffmpeg has VMAF.
func canVMAF(ctx context.Context, tools media.Tools) (bool, error) {
	err := tools.CanMeasure(ctx, pipeline.VMAF)
	if media.Settles(err) {
		return false, nil
	}
	return err == nil, err
}

// all encodes as much of the film as there is time for.
func (r *run) all(ctx context.Context) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	length, err := r.length(ctx)
	if err != nil {
		return err
	}
	cells := r.film.cells(length)
	if len(cells) <= 2*strata || r.timeForAll() {
		return r.whole(ctx)
	}
	layers := stratify(cells)
	draw(layers)
	for _, c := range r.sampled() {
		c.layers = layers
	}
	for round := 0; round < len(cells); round++ {
		began := time.Now()
		if err := r.round(ctx, layers, round); err != nil {
			return err
		}
		took := time.Since(began)
		if r.timeForAll() {
			return r.whole(ctx)
		}
		if round+1 >= leastRounds && time.Now().Add(took).After(r.ends) {
			break
		}
	}
	for _, c := range r.sampled() {
		if len(c.parts) == 0 {
			return c.failed
		}
		c.judge(r.Sample)
	}
	return nil
}

// sampled are the candidates that the film can be encoded with.
func (s *Sample) sampled() (all []*Candidate) {
	for _, c := range s.Candidates {
		if c.Refused == "" {
			all = append(all, c)
		}
	}
	return all
}

// round encodes the next cell of each stratum with all settings.
func (r *run) round(ctx context.Context, layers [][]cell, round int) error {
	tasks := r.tasks(ctx)
	for _, layer := range layers {
		if round >= len(layer) {
			continue
		}
		for _, c := range r.sampled() {
			tasks.Go(func() error {
				part, err := r.part(tasks.ctx, c, layer[round])
				switch {
				case errors.Is(err, encode.ErrFrames): // another part tells as much
					c.fail(err)
				case err != nil:
					return err
				default:
					c.add(part)
				}
				r.tell()
				return nil
			})
		}
	}
	return tasks.Wait()
}

// tell says how much of the time is over.
func (r *run) tell() {
	r.telling.Lock()
	defer r.telling.Unlock()
	left := time.Until(r.ends).Seconds() / r.req.Time.Seconds()
	r.req.Progress(min(1, max(0, 1-left)), "encoding parts of it")
}

// group is work that is done in as many slots as an encode of the whole film has, so that it takes as long.
type group struct {
	*errgroup.Group
	ctx context.Context
}

func (r *run) tasks(ctx context.Context) group {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, r.req.Slots))
	return group{g, ctx}
}

// start finds out what every encode takes before its first frame, by one frame at the film's start, and for a frame
// that is decoded and dropped, by one that has many in front of it.
func (r *run) start(ctx context.Context) error {
	deep, lead := r.film.deepest()
	for _, c := range r.sampled() {
		first, err := r.singles(ctx, c, 0)
		if err != nil {
			return err
		}
		later, err := r.singles(ctx, c, deep)
		if errors.Is(err, encode.ErrFrames) { // a damaged one tells nothing
			later, err = first, nil
		}
		if err != nil {
			return err
		}
		c.start, c.dropped = first, max(0, later-first)/float64(max(1, lead))
	}
	return nil
}

// singles encodes one frame in all slots and returns the mean of the seconds.
func (r *run) singles(ctx context.Context, c *Candidate, frame int) (mean float64, err error) {
	tasks := r.tasks(ctx)
	took := make([]float64, max(1, r.req.Slots))
	for i := range took {
		tasks.Go(func() (err error) {
			took[i], err = r.single(tasks.ctx, c, frame)
			return err
		})
	}
	if err := tasks.Wait(); err != nil {
		return 0, err
	}
	for _, t := range took {
		mean += t / float64(len(took))
	}
	return mean, nil
}

// leastRounds give each stratum cells whose spread tells something.
const leastRounds = 2

// Lengths of a cell, in seconds, and how many are wanted in the time: three rounds.
const (
	shortCell, longCell = 1.0, 4.0
	wantedCells         = 3 * strata
)

// length chooses the length of the cells, in frames, by how long it takes to encode a short one in the middle of the
// film: the slower the encoder, the shorter they are.
func (r *run) length(ctx context.Context) (int, error) {
	fps := float64(r.Frames) / r.Seconds
	frames := func(seconds float64) int { return max(1, int(math.Round(seconds*fps))) }
	each := 0.0 // seconds in a slot for a frame with all settings, measuring it included
	var err error
	for _, at := range []float64{1.0 / 2, 1.0 / 3, 3.0 / 4} { // a damaged one tells nothing
		from := int(at * float64(r.Frames))
		each, err = r.pilots(ctx, r.film.cell(from, min(from+frames(shortCell), r.Frames)))
		if !errors.Is(err, encode.ErrFrames) {
			break
		}
	}
	if err != nil {
		return 0, err
	}
	slots := float64(max(1, r.req.Slots))
	window := time.Until(r.ends).Seconds() * slots / each / wantedCells // frames
	cell := (window - windowHead - windowTail) / fps
	return frames(min(longCell, max(shortCell, cell))), nil
}

// pilots encodes a cell with all settings, and returns the seconds that a slot takes for a frame.
func (r *run) pilots(ctx context.Context, at cell) (each float64, err error) {
	tasks := r.tasks(ctx)
	for _, c := range r.sampled() {
		tasks.Go(func() (err error) {
			c.pilot, err = r.part(tasks.ctx, c, at)
			return err
		})
	}
	if err := tasks.Wait(); err != nil {
		return 0, err
	}
	for _, c := range r.sampled() {
		each += c.pilot.spent / float64(c.pilot.window.frames())
	}
	return each, nil
}

// timeForAll reports whether the whole film can be encoded with all settings in the time that is left.
func (r *run) timeForAll() bool {
	need := 0.0
	for _, c := range r.sampled() {
		need += c.need(r.Sample)
	}
	return need < time.Until(r.ends).Seconds()
}
