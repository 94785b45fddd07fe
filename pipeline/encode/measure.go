package encode

import (
	"context"
	"fmt"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// The part of a chunk that is probed first is its beginning, since what follows need not be decoded then.
const (
	partOf   = 5  // the part is a fifth of the chunk's pictures
	shortest = 24 // pictures: fewer have not settled
)

// beginning returns the number of pictures in the part; 0 if the chunk is too short for one.
func beginning(pictures int) int {
	if n := pictures / partOf; n >= shortest {
		return n
	}
	return 0
}

// measure scores a result. Its pictures are those of the plan, so as many pairs must come; a source that is damaged may
// be decoded otherwise the next time.
func measure(
	ctx context.Context, tools media.Tools, req Request, options encoder.Options, got result,
) (float64, error) {
	frames := len(got.PTS)
	if media.Damaged(got.messages) {
		frames = 0
	}
	return scoreOf(ctx, tools, req, options, got.in, frames)
}

// scoreOf compares Out with the pictures that were encoded, which come of the same input through the same filters.
// frames is how many there are; 0: that is not sure.
func scoreOf(
	ctx context.Context, tools media.Tools, req Request, options encoder.Options, in input, frames int,
) (float64, error) {
	metric, every := req.Plan.Settings.Quality.Metric, 1
	if metric == pipeline.VMAF {
		every = sampled(frames)
	}
	scores, err := scoresOf(ctx, tools, req, options, in, metric, every)
	if err != nil {
		return 0, err
	}
	if frames > 0 {
		err = checkPairs(len(scores), (frames+every-1)/every)
	}
	if err != nil {
		return 0, err
	}
	return media.MeanScore(metric, scores), nil
}

// checkPairs refuses a comparison of other pictures than the planned ones.
func checkPairs(got, want int) error {
	if got != want {
		return fmt.Errorf("%w: %d pairs of pictures could be compared, %d are planned", ErrFrames, got, want)
	}
	return nil
}

// scoresOf scores every nth picture, n being every.
func scoresOf(ctx context.Context, tools media.Tools, req Request, options encoder.Options, in input,
	metric pipeline.Metric, every int) ([]float64, error) {
	plan, threads := req.Plan, fmt.Sprint(req.Threads)
	inputs := append(reading(plan, in, req.Threads), "-threads", threads, "-noautorotate", "-reinit_filter", "0")
	inputs = append(append(inputs, media.WithoutGrain()...), media.Input(req.Out)...)
	const numbered = "settb=1/1000,setpts=N"
	colours := outRange(plan.Video, options.Look())
	graph := fmt.Sprintf("[0:%d]%s,%s[source];[1:0]%s,%s,format=%s[output];", in.stream, filters(plan, options.Look(), in),
		numbered, numbered, scale(plan.Out.Width, plan.Out.Height, colours, colours, plan.Out.Fields != ""), plan.Out.PixFmt)
	bounds := limits(req, in)
	bounds.Stall = 0
	return tools.Compare(ctx, media.Comparison{
		Inputs: inputs, Graph: graph, Metric: metric, Pixels: plan.Pixels(), Every: every, Threads: req.Threads,
		Nice: req.Nice, Limits: bounds, Started: req.Started,
	})
}

// sampled returns n where VMAF scores every nth picture. VMAF takes most of a comparison's time, and 100 sampled
// pictures give the mean of 500 within a tenth of a point. n is odd, so that every place between two reference pictures
// is met.
func sampled(frames int) int {
	const enough = 40
	return min(5, max(1, frames/enough)-1|1)
}
