package encode

import (
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
)

// DecoderMemory estimates what it takes to look at one of the plan's chunks.
func DecoderMemory(plan *pipeline.Plan) pipeline.Memory {
	fixed, thread := encoder.DecoderMemory(float64(plan.Video.Width*plan.Video.Height), plan.Out.PixFmt)
	return pipeline.Memory{Fixed: fixed, Thread: thread}
}

// Memory estimates what the encode of one of the plan's chunks takes, or the comparison that scores it if that takes
// more.
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
	compare := comparisonMemory(plan)
	return pipeline.Memory{Fixed: max(fixed, compare.Fixed), Thread: max(thread, compare.Thread)}
}

// What a comparison takes, in bytes, as measured: docs/media/quality.md has the table.
const (
	compareBase   = 30 << 20
	comparePixel  = 55.0 // a pixel, for both decoders and the filters
	compareThread = 7.0  // … for each thread of the decoders
	vmafThread    = 56.0 // … for each thread of VMAF's
	compareDeep   = 1.45 // times: more than 8 bits
	compareWhole  = 1.5  // times: 4:4:4
)

// comparisonMemory is what the comparison of a chunk with its source takes; zero where none is made.
func comparisonMemory(plan *pipeline.Plan) (m pipeline.Memory) {
	if plan.Settings.Quality.None() {
		return m
	}
	times, each := 1.0, compareThread
	if strings.HasSuffix(plan.Out.PixFmt, "le") {
		times = compareDeep
	}
	if strings.Contains(plan.Out.PixFmt, "444") {
		times *= compareWhole
	}
	if plan.Settings.Quality.Metric == pipeline.VMAF {
		each = vmafThread
	}
	pixels := times * largest(plan)
	return pipeline.Memory{Fixed: compareBase + int64(pixels*comparePixel), Thread: int64(pixels * each)}
}
