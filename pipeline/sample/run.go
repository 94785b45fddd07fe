package sample

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/distenc/distenc/pipeline/encode"
)

// run is a sample that is being taken.
type run struct {
	*Sample
	ends time.Time
	vmaf bool // this ffmpeg has it

	telling sync.Mutex // one at a time
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
	if len(cells) <= 2*mostStrata || r.timeForAll() {
		return r.whole(ctx)
	}
	strata := stratify(cells)
	draw(strata)
	for _, c := range r.sampled() {
		c.strata = strata
	}
	for round := 0; round < len(cells); round++ {
		began := time.Now()
		if err := r.round(ctx, strata, round); err != nil {
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

// round encodes the next cell of each stratum with all settings.
func (r *run) round(ctx context.Context, strata [][]cell, round int) error {
	tasks := r.req.tasks(ctx)
	for _, stratum := range strata {
		if round >= len(stratum) {
			continue
		}
		for _, c := range r.sampled() {
			tasks.Go(func() error {
				part, err := r.part(tasks.ctx, c, stratum[round])
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

func (r *Request) tasks(ctx context.Context) group {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.Slots)
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
	tasks := r.req.tasks(ctx)
	took := make([]float64, r.req.Slots)
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
	wantedCells         = 3 * mostStrata
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
	slots := float64(r.req.Slots)
	window := time.Until(r.ends).Seconds() * slots / each / wantedCells // frames
	cell := (window - windowHead - windowTail) / fps
	return frames(min(longCell, max(shortCell, cell))), nil
}

// pilots encodes a cell with all settings, and returns the seconds that a slot takes for a frame.
func (r *run) pilots(ctx context.Context, at cell) (each float64, err error) {
	tasks := r.req.tasks(ctx)
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
