package pipeline

import (
	"fmt"
	"slices"
)

// tooLarge says that none of the nodes that are there could ever encode a chunk of the plan, "" while one may.
func tooLarge(plan *Plan, here []SeenNode) string {
	if plan.Memory == (Memory{}) || len(here) == 0 {
		return ""
	}
	best := slices.MaxFunc(here, func(a, b SeenNode) int { return int(plan.spare(a)>>20 - plan.spare(b)>>20) })
	if slices.ContainsFunc(here, func(n SeenNode) bool { return n.Memory == 0 }) || plan.spare(best) >= 0 {
		return ""
	}
	return fmt.Sprintf("no node that is there can encode it: it needs about %s of memory, and %s has %s; %s",
		Gigabytes(plan.Memory.Of(best.Threads)), best.Node.Node, Gigabytes(best.Memory), LessMemory)
}

// spare is what a node's memory is more than an encode needs, in bytes; negative where it is less.
func (p *Plan) spare(n SeenNode) int64 { return n.Memory - p.Memory.Of(n.Threads) }

// LessMemory is what a person can do about a film that needs too much.
const LessMemory = "a faster preset or a lower --rc-lookahead needs less, and so does a smaller picture (scale)"

// Gigabytes writes an amount of memory as people do.
func Gigabytes(bytes int64) string { return fmt.Sprintf("%.1f GB", float64(bytes)/1e9) }
