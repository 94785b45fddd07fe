package master

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

func TestThePaceOfAFarmIsThatOfThoseWhoCanEncode(t *testing.T) {
	plan := &pipeline.Plan{
		Job: "abcdef01-k3f9z", Build: pipeline.Build{Encoder: "one", Version: "1", Headers: "a"},
		Out: pipeline.Picture{Width: 1, Height: 1, PixFmt: "yuv420p"},
	}
	node := func(slots int, fps float64, b pipeline.Build) pipeline.SeenNode {
		n := pipeline.Node{Node: "a-waaaaa", Hardware: pipeline.Hardware{Slots: slots}}
		n.Builds = []pipeline.Offer{{Build: b}}
		if fps > 0 {
			n.Speed = map[string]pipeline.Speed{plan.Job: {Frames: fps, Pixels: fps, Seconds: 1, Effort: plan.Effort()}}
		}
		return pipeline.SeenNode{Node: n}
	}
	other := plan.Build
	other.Version = "2"
	require.Equal(t, pipeline.Pace{}, crewPace(nil, plan))
	require.Equal(t, pipeline.Pace{Slots: 2}, crewPace([]pipeline.SeenNode{node(2, 0, plan.Build)}, plan))
	require.Equal(t, pipeline.Pace{Slots: 6, Mean: 4, Slowest: 1}, crewPace([]pipeline.SeenNode{
		node(3, 5, plan.Build), node(1, 1, plan.Build), node(2, 0, plan.Build), node(8, 100, other),
	}, plan))
}
