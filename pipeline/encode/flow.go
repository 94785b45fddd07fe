package encode

import (
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Flow is what a result's pictures do to the decoder's buffer; the zero one where that has no bounds. The clip must
// have the planned frames. Each picture is shown until the film's next one, also where that is another chunk's.
func Flow(plan *pipeline.Plan, chunk int, clip *media.Clip) pipeline.Flow {
	if !plan.Buffer.Bounds() {
		return pipeline.Flow{}
	}
	shown := media.Shown(clip.PTS)
	c := &plan.Chunks[chunk]
	times := append(c.PTS.All(), c.End)
	if n := len(times) - 1; chunk == len(plan.Chunks)-1 && n > 1 { // encoders take it to last as long as the one before
		times[n] = 2*times[n-1] - times[n-2]
	}
	sizes, seconds := make([]float64, len(shown)), make([]float64, len(shown))
	for n, packet := range shown {
		sizes[packet] = 8 * float64(clip.Sizes[packet])
		seconds[packet] = plan.Video.TimeBase.Seconds(times[n+1] - times[n])
	}
	return plan.Buffer.Flow(sizes, seconds)
}
