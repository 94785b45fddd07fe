package worker

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// filmOf is a plan whose chunks have so many frames each.
func filmOf(frames ...int) *pipeline.Plan {
	p := &pipeline.Plan{Job: "abcdef01-k3f9z", Out: pipeline.Picture{Width: 1, Height: 1}}
	for i, n := range frames {
		c := pipeline.Chunk{Index: i, Kind: pipeline.KindRange}
		for len(c.PTS.All()) < n {
			c.PTS = pipeline.NewTimestamps(append(c.PTS.All(), int64(p.Frames))...)
			p.Frames++
		}
		p.Chunks = append(p.Chunks, c)
	}
	return p
}

func chunksOf(p *pipeline.Plan) (all []pipeline.ChunkFile) {
	for i := range p.Chunks {
		all = append(all, pipeline.ChunkFile{Job: p.Job, Chunk: i, Kind: pipeline.KindRange}.AsPending(1))
	}
	return all
}

// Two others, each of 10 frames a second, have 120 frames to do: 6 seconds and the shortest chunk more.
func TestASlowNodeLeavesWhatItWouldBeLastWith(t *testing.T) {
	plan := filmOf(60, 40, 20)
	free := chunksOf(plan)
	last := untilLast(plan, 120, 2, 10)
	require.InDelta(t, 8, last, 1e-9)
	require.Len(t, doneWithin(plan, slices.Clone(free), 7.5, last), 3)
	require.Equal(t, free[1:], doneWithin(plan, slices.Clone(free), 7, last), "60 frames would take it longer")
	require.Empty(t, doneWithin(plan, slices.Clone(free), 1, last))
	require.Zero(t, chunkWork(plan, pipeline.ChunkFile{Chunk: 3}), "a copy that a person made")
}

func TestASecondCopyHasToGain(t *testing.T) {
	require.Equal(t, 22*time.Second, gain(160, 20, 31*time.Second), "8 seconds, and an eighth for safety")
	require.Zero(t, gain(160, 20, 9*time.Second))
	require.Zero(t, gain(160, 0, time.Hour), "a node that has measured nothing")
	require.Positive(t, gain(1e6, 1000, foreverLong))
	require.Zero(t, gain(1e12, 1, foreverLong), "it would take for ever itself")
}

func TestWhatANodeStillTakes(t *testing.T) {
	plan := filmOf(100)
	c := chunksOf(plan)[0]
	n := &pipeline.Node{Node: "a-waaaaa"}
	require.Zero(t, remaining(n, false, plan, c), "it says nothing")
	require.Equal(t, foreverLong, remaining(n, true, plan, c))
	n.Speed = map[string]pipeline.Speed{plan.Job: pipeline.Speed{}.Add(50, plan.Pixels(), 10)}
	require.Equal(t, 20*time.Second, remaining(n, false, plan, c), "by what it did before")
	n.Chunks = map[string]pipeline.Encoding{c.ID(): {Frames: 60, Total: 100, FPS: 4}}
	require.Equal(t, 10*time.Second, remaining(n, false, plan, c))
	n.Chunks[c.ID()] = pipeline.Encoding{Frames: 100, Total: 100, FPS: 4}
	require.Zero(t, remaining(n, false, plan, c), "it stores it")
}

func TestClaimsOnOneChunk(t *testing.T) {
	chunks := chunksOf(filmOf(1, 1, 1))
	first, second := chunks[0].AsClaimed("a-waaaaa"), chunks[0].AsClaimed("b-wbbbbb")
	other := chunks[1].AsClaimed("a-waaaaa")
	require.Equal(t, []pipeline.ChunkFile{other}, claimedOnce([]pipeline.ChunkFile{first, other, second}))
	require.Empty(t, ofJobs([]pipeline.ChunkFile{first, other}, []string{"00000000-aaaaa"}))
	require.True(t, alone(first, []pipeline.ChunkFile{first, other}))
	require.False(t, alone(first, []pipeline.ChunkFile{first, other, second}), "another one copied it too")
	require.False(t, alone(first, []pipeline.ChunkFile{other}), "it is not held any more")
}

// Ranges are made the longest first, pieces in the film's order.
func TestWhatIsNotMadeYetIsWorkToo(t *testing.T) {
	plan := filmOf(20, 60, 10, 40)
	all := chunksOf(plan)
	require.InDelta(t, 30, unmade(plan, []pipeline.ChunkFile{all[1], all[3]}), 1e-9)
	require.Zero(t, unmade(plan, all[2:3]))
	for i := range plan.Chunks {
		plan.Chunks[i].Kind = pipeline.KindPiece
	}
	require.InDelta(t, 50, unmade(plan, all[1:2]), 1e-9)
	require.InDelta(t, 100, workOf(plan, all[1:4])-10, 1e-9)
}

func TestANodeThatHasMeasuredNothingTakesNoLongChunk(t *testing.T) {
	plan := filmOf(20, 60, 10, 40)
	all := chunksOf(plan)
	require.Equal(t, []pipeline.ChunkFile{all[0], all[2], all[3]}, shortOf(plan, slices.Clone(all)))
	require.Empty(t, shortOf(plan, []pipeline.ChunkFile{all[1]}))
}

func TestTheMoreSlotsTheWiderTheChoice(t *testing.T) {
	for slots, want := range map[int]int{0: 16, 1: 4, 64: 4, 200: 12, 1000: 16} {
		require.Equal(t, want, choice(&pipeline.Plan{Pace: pipeline.Pace{Slots: slots}}))
	}
}
