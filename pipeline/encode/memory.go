package encode

import (
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
)

// Memory estimates what the encode of one of the plan's chunks takes.
func Memory(plan *pipeline.Plan) pipeline.Memory {
	x264, err := encoder.ParseX264(plan.Settings.X264)
	if err != nil {
		return pipeline.Memory{} // no plan is made of such settings
	}
	longest := 0
	for i := range plan.Chunks {
		longest = max(longest, plan.Chunks[i].PTS.Len())
	}
	fixed, thread := x264.Memory(encoder.Pictures{
		Source: float64(plan.Video.Width * plan.Video.Height), Out: plan.Pixels(), Format: plan.Out.PixFmt, Frames: longest,
	})
	return pipeline.Memory{Fixed: fixed, Thread: thread}
}
