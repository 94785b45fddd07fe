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

func TestANodeHasSlotsForItsMemory(t *testing.T) {
	const gb = 1_000_000_000
	need := func(fixed int64) planned {
		return planned{Plan: &pipeline.Plan{Memory: pipeline.Memory{Fixed: fixed, Thread: gb / 2}}}
	}
	s := &Status{Jobs: []pipeline.JobStatus{
		{ID: "small", Name: "Small", Course: pipeline.Course{Chunks: pipeline.Counts{Pending: 1}}},
		{ID: "large", Name: "Large", Course: pipeline.Course{Chunks: pipeline.Counts{Claimed: 1}}},
		{ID: "done", Name: "Done", Course: pipeline.Course{Chunks: pipeline.Counts{Done: 9}}},
		{ID: "failed", Name: "Failed", Decided: true, Course: pipeline.Course{Chunks: pipeline.Counts{Pending: 1}}},
		{ID: "planning", Name: "Planning", Course: pipeline.Course{Chunks: pipeline.Counts{Pending: 1}}},
	}}
	plans := map[string]planned{"small": need(gb), "large": need(2 * gb), "done": need(9 * gb), "failed": need(9 * gb)}
	node := func(memory int64) pipeline.SeenNode {
		return pipeline.SeenNode{Node: pipeline.Node{Hardware: pipeline.Hardware{Slots: 4, Threads: 2, Memory: memory}}}
	}
	require.Equal(t, NodeMemory{Memory: 12 * gb, MemorySlots: 4}, s.memoryOf(node(12*gb), plans))
	require.Equal(t, NodeMemory{Memory: 7 * gb, MemorySlots: 2,
		MemoryLimit: "its memory, 7.0 GB, is enough for 2 of its 4 slots: a chunk of Large takes about 3.0 GB"},
		s.memoryOf(node(7*gb), plans))
	require.Zero(t, s.memoryOf(node(gb), plans).MemorySlots)
	require.Equal(t, NodeMemory{MemorySlots: 4}, s.memoryOf(node(0), plans), "it does not say what it has")
	older := map[string]planned{"small": {Plan: &pipeline.Plan{}}}
	require.Equal(t, 4, s.memoryOf(node(gb), older).MemorySlots, "an older plan")
}
