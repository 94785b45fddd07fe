package status

import (
	"fmt"
	"slices"

	"github.com/distenc/distenc/pipeline"
)

// tooLarge says that none of the nodes that are there could ever encode a chunk of the plan, "" while one may.
func tooLarge(plan *pipeline.Plan, here []pipeline.SeenNode) string {
	if plan.Memory == (pipeline.Memory{}) || len(here) == 0 {
		return ""
	}
	best := slices.MaxFunc(here, func(a, b pipeline.SeenNode) int { return int(spare(plan, a)>>20 - spare(plan, b)>>20) })
	if slices.ContainsFunc(here, func(n pipeline.SeenNode) bool { return n.Memory == 0 }) || spare(plan, best) >= 0 {
		return ""
	}
	return fmt.Sprintf("no node that is there can encode it: it needs about %s of memory, and %s has %s; %s",
		pipeline.Gigabytes(plan.Memory.Of(best.Threads)), best.Node.Node, pipeline.Gigabytes(best.Memory),
		pipeline.LessMemory)
}

// spare is what a node's memory is more than an encode needs, in bytes; negative where it is less.
func spare(p *pipeline.Plan, n pipeline.SeenNode) int64 { return n.Memory - p.Memory.Of(n.Threads) }
