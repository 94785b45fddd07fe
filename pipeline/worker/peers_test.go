package worker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

func TestANodeIsSilentAfterThreeHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := peers{}
		n := &pipeline.Node{Node: "a-waaaaa", Seq: 1}
		require.False(t, p.silent(n, time.Second), "first heard of")
		time.Sleep(3 * time.Second)
		require.False(t, p.silent(n, time.Second))
		time.Sleep(time.Second)
		require.True(t, p.silent(n, time.Second))
		n.Seq++
		require.False(t, p.silent(n, time.Second))
	})
}

func TestTheMeanPaceOfOthersIsASample(t *testing.T) {
	share, job := slowShare(t) // a-waaaaa: 1 frame in 100 s
	plan, err := pipeline.LoadPlan(share, job)
	require.NoError(t, err)
	write := func(node string, frames float64) {
		speed := map[string]pipeline.Speed{job: {Frames: frames, Pixels: frames, Seconds: 100,
			Effort: plan.Settings.Effort()}}
		require.NoError(t, (&pipeline.Node{Node: node, Hardware: pipeline.Hardware{Slots: 1}, Speed: speed}).Write(share))
	}
	write("a-waaaaa", 100)
	write("b-wbbbbb", 300)
	write("c-wccccc", 9000)
	p := peers{share: share, self: "c-wccccc"}
	require.ElementsMatch(t, []string{"a-waaaaa", "b-wbbbbb"}, p.names())
	require.InDelta(t, 2, p.meanPace(plan, pipeline.Build{}), 1e-9, "without this node's own")
	write("a-waaaaa", 900)
	require.InDelta(t, 2, p.meanPace(plan, pipeline.Build{}), 1e-9, "the sample is good for a while")
	p.asked = p.asked.Add(-paceFor)
	require.InDelta(t, 6, p.meanPace(plan, pipeline.Build{}), 1e-9)
	require.Len(t, p.claims(), 1)
	plan.Pace = pipeline.Pace{Slots: 2, Mean: 4, Slowest: 1}
	fresh := peers{share: share, self: "c-wccccc"}
	require.InDelta(t, 4, fresh.meanPace(plan, pipeline.Build{}), 1e-9, "who made the plan has asked them all")
	fresh.asked = fresh.asked.Add(-paceFor)
	require.InDelta(t, 6, fresh.meanPace(plan, pipeline.Build{}), 1e-9)
	require.Empty(t, (&peers{share: share, self: "a-waaaaa"}).claims())
}

func TestSpeedsForgetOldJobs(t *testing.T) {
	var s speeds
	plan := filmOf(1)
	require.Zero(t, s.pace(plan))
	s.add(plan, 100, 10)
	require.InDelta(t, 10, s.pace(plan), 1e-9)
	for range maxSpeeds {
		s.add(&pipeline.Plan{Job: pipeline.NewJobID("00000001")}, 100, 10)
	}
	require.LessOrEqual(t, len(s.all()), maxSpeeds)
	require.NotContains(t, s.all(), plan.Job)
}
