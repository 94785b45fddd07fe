package encode

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// Scores compares the request's result with what was encoded, and returns every picture's score. method is how the
// chunk was encoded, as its record says. The error is ErrFrames if the decoders give another number of pictures.
func Scores(ctx context.Context, tools media.Tools, req Request, method string, metric pipeline.Metric,
) ([]float64, error) {
	_, options, err := encoder.Of(req.Plan.Settings)
	if err != nil {
		return nil, err
	}
	ways := ladder(req)
	way := slices.IndexFunc(ways, func(in input) bool { return strings.HasPrefix(method, in.method) })
	scores, err := scoresOf(ctx, tools, req, options, ways[max(0, way)], metric, 1)
	if want := req.Chunk.PTS.Len(); err == nil && len(scores) != want {
		err = fmt.Errorf("%w: %d pairs of pictures could be compared, %d are planned", ErrFrames, len(scores), want)
	}
	return scores, err
}
