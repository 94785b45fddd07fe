package encode

import (
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
)

// DecoderMemory estimates what it takes to look at one of the plan's chunks.
func DecoderMemory(plan *pipeline.Plan) pipeline.Memory {
	fixed, thread := encoder.DecoderMemory(float64(plan.Video.Width*plan.Video.Height), plan.Out.PixFmt)
	return pipeline.Memory{Fixed: fixed, Thread: thread}
}

// Memory estimates what the encode of one of the plan's chunks takes.
func Memory(plan *pipeline.Plan) pipeline.Memory {
	_, options, err := encoder.Of(plan.Settings)
	if err != nil {
		return pipeline.Memory{} // no plan is made of such settings
	}
	longest := 0
	for i := range plan.Chunks {
		longest = max(longest, plan.Chunks[i].PTS.Len())
	}
	fixed, thread := options.Memory(encoder.Pictures{
		Source: float64(plan.Video.Width * plan.Video.Height), Out: plan.Pixels(), Format: plan.Out.PixFmt, Frames: longest,
	})
	return pipeline.Memory{Fixed: fixed, Thread: thread}
}
