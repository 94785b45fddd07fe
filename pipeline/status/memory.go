package status

import (
	"fmt"
	"slices"

	"github.com/distenc/distenc/pipeline"
)

// NodeMemory is how many encodes a node has memory for.
type NodeMemory struct {
	Memory int64 `json:"memory_bytes,omitempty"` // that programs there can have at most; 0: not known
	// MemorySlots is how many of its slots have room for a chunk of whichever job in work needs most: all of them where
	// nothing limits, or where that is not known.
	MemorySlots int    `json:"memory_slots"`
	MemoryLimit string `json:"memory_limit,omitempty"` // what limits them, for people
}

// memoryOf compares a node's memory with what the jobs need that have chunks to be encoded, by their plans, and whose
// build it has.
func (s *Status) memoryOf(n pipeline.SeenNode, plans map[string]planned) NodeMemory {
	m := NodeMemory{Memory: n.Memory, MemorySlots: n.Slots}
	for _, j := range s.Jobs {
		plan := plans[j.ID]
		if plan.Plan == nil || j.Decided || j.Chunks.Pending+j.Chunks.Claimed == 0 || n.Memory == 0 ||
			!n.Encodes(plan.pins.Now(), plan.Demand()) {
			continue
		}
		need := plan.Memory.Of(n.Threads)
		if need <= 0 || int64(m.MemorySlots) <= n.Memory/need {
			continue
		}
		m.MemorySlots = int(n.Memory / need)
		m.MemoryLimit = fmt.Sprintf("its memory, %s, is enough for %d of its %d slots: a chunk of %s takes about %s",
			pipeline.Gigabytes(n.Memory), m.MemorySlots, n.Slots, j.Name, pipeline.Gigabytes(need))
	}
	return m
}

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
