package encode

import (
	"context"
	"fmt"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// allowance is what the chunk may count on, without other headers than the film's other chunks have. Encoders choose
// the level by rate and size of the decoder's buffer, and with --nal-hrd these stand in the headers themselves. Where a
// part of them gives others, a lower start has to do.
func allowance(
	ctx context.Context, tools media.Tools, req Request, options encoder.Options,
) (pipeline.Allowance, error) {
	a := req.Allowance
	if a == (pipeline.Allowance{}) || a.Part == 1 || !req.Plan.Buffer.Bounds() {
		return a, nil
	}
	own, err := headers(ctx, tools, req.Plan, options, input{allowance: a})
	if err != nil {
		return a, err
	}
	usual, err := headers(ctx, tools, req.Plan, options, input{})
	if err != nil || own == usual {
		return a, err
	}
	return a.Whole(), nil
}

// headers are those of a made-up picture that is encoded as a plan's are, as a hash.
func headers(
	ctx context.Context, tools media.Tools, plan *pipeline.Plan, options encoder.Options, in input,
) (string, error) {
	like := *plan
	like.Out.Deinterlace, like.Out.Edge, like.Out.Crop = false, "", pipeline.Rect{} // it comes in no size of the source's
	cmd := append(args(&like, options, in, 1), "-frames:v", "1")
	clip, _, err := tools.Sample(ctx, media.Encoding(1, 1, largest(plan)), cmd...)
	if err != nil {
		return "", fmt.Errorf("cannot find out which headers come of a part of the decoder's buffer: %w", err)
	}
	return clip.Extradata, nil
}
