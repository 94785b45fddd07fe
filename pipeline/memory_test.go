package pipeline

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAFilmThatNoNodeCanEncodeIsTold(t *testing.T) {
	const gb = 1_000_000_000
	plan := &Plan{Memory: Memory{Fixed: 5 * gb, Thread: gb / 2}}
	node := func(name string, memory int64) SeenNode {
		return SeenNode{Node: Node{Node: name, Memory: memory, Threads: 4}}
	}
	small, large, unknown := node("pi-waaaaa", 4*gb), node("pc-wbbbbb", 8*gb), node("old-wccccc", 0)
	require.Empty(t, tooLarge(plan, nil), "nobody is there who could tell")
	require.Empty(t, tooLarge(plan, []SeenNode{small, large}))
	require.Empty(t, tooLarge(plan, []SeenNode{small, unknown}))
	require.Empty(t, tooLarge(&Plan{}, []SeenNode{small}), "an older plan")
	require.Equal(t, "no node that is there can encode it: it needs about 7.0 GB of memory, and pi-waaaaa has 4.0 GB; "+LessMemory,
		tooLarge(plan, []SeenNode{node("zero-wddddd", 2*gb), small}))
}
