package status

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

func TestAFilmThatNoNodeCanEncodeIsTold(t *testing.T) {
	const gb = 1_000_000_000
	plan := &pipeline.Plan{Memory: pipeline.Memory{Fixed: 5 * gb, Thread: gb / 2}}
	node := func(name string, memory int64) pipeline.SeenNode {
		return pipeline.SeenNode{Node: pipeline.Node{Node: name, Hardware: pipeline.Hardware{Memory: memory, Threads: 4}}}
	}
	small, large, unknown := node("pi-waaaaa", 4*gb), node("pc-wbbbbb", 8*gb), node("old-wccccc", 0)
	require.Empty(t, tooLarge(plan, nil), "nobody is there who could tell")
	require.Empty(t, tooLarge(plan, []pipeline.SeenNode{small, large}))
	require.Empty(t, tooLarge(plan, []pipeline.SeenNode{small, unknown}))
	require.Empty(t, tooLarge(&pipeline.Plan{}, []pipeline.SeenNode{small}), "an older plan")
	require.Equal(t, "no node that is there can encode it: it needs about 7.0 GB of memory, and pi-waaaaa has 4.0 GB; "+
		pipeline.LessMemory,
		tooLarge(plan, []pipeline.SeenNode{node("zero-wddddd", 2*gb), small}))
}
