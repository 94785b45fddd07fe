package pipeline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	oldBuild = Build{Encoder: "x265", Version: "x265 3.5", Headers: "a"}
	newBuild = Build{Encoder: "x265", Version: "x265 3.6", Headers: "b"}
)

// plain is what a film of x265's in 4:2:0 demands.
var plain = Demand{Encoder: "x265", Format: "yuv420p"}

func nodeWith(slots int, builds ...Offer) SeenNode {
	return SeenNode{Node: Node{Hardware: Hardware{Slots: slots}, Software: Software{Builds: builds}}}
}

func TestABuildIsChosenByItsSlots(t *testing.T) {
	deaf := Offer{Build: newBuild, Lacks: map[string]string{"yuv420p10le": "no 10 bit"}}
	none := Offer{Build: Build{Encoder: "x265"}, Lacks: map[string]string{"yuv420p": "no such encoder"}}
	crew := []SeenNode{
		nodeWith(2, Offer{Build: oldBuild}), nodeWith(1, Offer{Build: newBuild}), nodeWith(3, deaf), nodeWith(9, none),
	}
	best, slots := MostSlots(crew, plain)
	require.Equal(t, newBuild, best)
	require.Equal(t, 4, slots)
	best, slots = MostSlots(crew, Demand{Encoder: "x265", Format: "yuv420p10le"})
	require.Equal(t, oldBuild, best)
	require.Equal(t, 2, slots)
	best, _ = MostSlots(crew[:2], Demand{Encoder: "x264", Format: "yuv420p"})
	require.False(t, best.Known())
	best, _ = MostSlots([]SeenNode{crew[1], nodeWith(1, Offer{Build: oldBuild})}, plain)
	require.Equal(t, newBuild, best, "of two the later")
	require.True(t, crew[2].Encodes(newBuild, Demand{Format: "yuv420p"}))
	require.False(t, crew[2].Encodes(newBuild, Demand{Format: "yuv420p10le"}))
	require.False(t, crew[2].Encodes(oldBuild, Demand{Format: "yuv420p"}))
	require.True(t, crew[3].Encodes(Build{}, Demand{Format: "yuv420p"}), "of a plan without a build")
	require.Equal(t, "no such encoder", none.Fault("yuv444p"), "what was not tried is no better")
	require.Empty(t, deaf.Fault("yuv444p"), "it may be")
}

func TestAQualityWantsANodeThatMeasuresIt(t *testing.T) {
	wanted := Settings{Encoder: "x265", Quality: Quality{Metric: VMAF, Target: 95}}.Demand("yuv420p")
	blind, able := nodeWith(9, Offer{Build: oldBuild}), nodeWith(1, Offer{Build: newBuild})
	blind.Metrics, able.Metrics = []Metric{SSIM}, []Metric{SSIM, VMAF}
	best, slots := MostSlots([]SeenNode{blind, able}, wanted)
	require.Equal(t, newBuild, best)
	require.Equal(t, 1, slots)
	require.True(t, able.Encodes(newBuild, wanted))
	require.False(t, blind.Encodes(oldBuild, wanted))
	require.False(t, blind.Encodes(Build{}, wanted))
	pins := Pins{{Build: oldBuild}}
	require.Contains(t, pins.Waiting(wanted, []SeenNode{blind}, time.Minute), "no node that is there can measure VMAF, "+
		"by which its film is encoded: install an ffmpeg that was built with libvmaf")
	require.Contains(t, pins.Waiting(wanted, []SeenNode{able}, time.Minute), "it goes on with x265 3.6")

	analysis := &Plan{Analysis: Bars, Settings: Settings{Encoder: "x265", Quality: Quality{Metric: VMAF, Target: 95}}}
	require.Empty(t, analysis.Demand().Metric, "any node can look for bars")
}

func TestTheFirstPinOfANumberHolds(t *testing.T) {
	fs := newShare(t)
	plan := &Plan{Job: "00000000-aaaaa", Build: oldBuild}
	require.NoError(t, fs.MkdirAll(JobDir(plan.Job)))
	pins := func() Pins {
		dir, err := ListFolder(fs, plan.Job)
		require.NoError(t, err)
		pins, err := LoadPins(fs, plan, dir)
		require.NoError(t, err)
		return pins
	}
	require.Equal(t, oldBuild, pins().Now())
	require.NoError(t, Pin{Build: newBuild, By: "a"}.Publish(fs, plan.Job, 1))
	require.NoError(t, Pin{Build: oldBuild, By: "b"}.Publish(fs, plan.Job, 1), "another was first")
	require.Equal(t, newBuild, pins().Now())
	require.Equal(t, 0, pins().Rank(oldBuild))
	third := Build{Encoder: "x265", Version: "x265 4.0"}
	require.Equal(t, -1, pins().Rank(third))
	require.False(t, pins().Admit(third))
	require.True(t, pins().Admit(oldBuild))
	require.NoError(t, Pin{Build: oldBuild}.Publish(fs, plan.Job, 2))
	require.Equal(t, 2, pins().Rank(oldBuild), "it holds again")
	require.Error(t, Pin{Build: newBuild}.Publish(fs, plan.Job, maxPins+1))

	plan.Build = Build{}
	require.Nil(t, pins(), "a plan of before has none")
	require.True(t, pins().Admit(third))
}

func TestAPinOfAnotherEncoderIsNone(t *testing.T) {
	fs := newShare(t)
	plan := &Plan{Job: "00000000-aaaaa", Build: oldBuild}
	require.NoError(t, fs.MkdirAll(JobDir(plan.Job)))
	require.NoError(t, fs.Create(JobFile(plan.Job, "build-1"), []byte(`{"encoder":"x264","version":"1"}`)))
	dir, err := ListFolder(fs, plan.Job)
	require.NoError(t, err)
	_, err = LoadPins(fs, plan, dir)
	require.ErrorContains(t, err, "jobs/00000000-aaaaa/build-1 is no build of the plan's encoder")
}

func TestWhatAFilmWaitsFor(t *testing.T) {
	pins := Pins{{Build: oldBuild}}
	with := func(b Build) []SeenNode { return []SeenNode{nodeWith(1, Offer{Build: b})} }
	require.Empty(t, pins.Waiting(plain, with(oldBuild), time.Minute))
	require.Empty(t, pins.Waiting(plain, nil, time.Minute), "that nobody is there is told elsewhere")
	require.Equal(t, "no node that is there has x265 3.5, which its film is encoded with; "+
		"it goes on with x265 3.6 when none has been there for 6m0s", pins.Waiting(plain, with(newBuild), 6*time.Minute))
	twin := oldBuild
	twin.Headers = "c"
	require.Contains(t, pins.Waiting(plain, with(twin), time.Minute), "goes on with x265 3.5 in another ffmpeg")
	require.Contains(t, pins.Waiting(plain, with(Build{Encoder: "x264", Version: "1"}), time.Minute),
		"nor another x265 that can encode it")
}

// A plan of the format before has no build, and is finished.
func TestAPlanWithoutABuildIsRead(t *testing.T) {
	fs := newShare(t)
	require.NoError(t, fs.MkdirAll(JobDir("00000000-aaaaa")))
	require.NoError(t, fs.Create(JobFile("00000000-aaaaa", planName), []byte(`{"format":3,"job":"00000000-aaaaa",
		"source":"source.mkv","original":"source.mkv","video":{"time_base":{"num":1,"den":1000}},"frames":1,
		"chunks":[{"pts":"AA"}]}`)))
	p, err := LoadPlan(fs, "00000000-aaaaa")
	require.NoError(t, err)
	require.False(t, p.Build.Known())
}
