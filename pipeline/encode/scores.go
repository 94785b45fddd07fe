package encode

import (
	"context"

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
	scores, err := scoresOf(ctx, tools, req, options, ways[wayOf(ways, method)], metric, 1)
	if err == nil {
		err = checkPairs(len(scores), req.Chunk.PTS.Len())
	}
	return scores, err
}
