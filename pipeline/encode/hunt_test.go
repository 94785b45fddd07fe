package encode

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
)

// measured are VMAF scores of unlike chunks by CRF, from x264 17 on in threes.
var measured = [][]float64{
	{99.4, 98.6, 96.7, 94.1, 90.2, 84.9, 78.1, 69.5},
	{98.7, 97.2, 94.7, 91.7, 87.3, 81.2, 73.0, 62.4},
	{97.9, 95.8, 93.0, 90.0, 85.4, 79.0, 70.6, 60.1},
	{98.9, 97.3, 94.9, 92.4, 88.0, 81.9, 73.8, 63.7},
	{96.2, 93.8, 90.6, 87.8, 83.5, 77.6, 69.9, 60.2},
	{97.0, 91.5, 82.7, 68.2, 52.0, 37.1, 24.6, 15.2},
}

func scoreAt(table []float64, crf float64) float64 {
	at := min(max((crf-17)/3, 0), float64(len(table)-1))
	i := min(int(at), len(table)-2)
	return table[i] + (at-float64(i))*(table[i+1]-table[i])
}

// play hunts through a table and returns the best score, its CRF, and how many probes it took.
func play(h *hunt, table []float64, most int) (score, crf float64, probes int) {
	for probes < most {
		next, more := h.next()
		if !more {
			break
		}
		probes++
		if h.probed(next, scoreAt(table, next)) {
			score, crf = scoreAt(table, next), next
		}
	}
	return score, crf, probes
}

var x264CRF = encoder.CRF{CRFs: pipeline.CRFs{Least: 8, Most: 42, Step: 0.25, Span: 6}, First: 23}

func TestAHuntFindsTheCRF(t *testing.T) {
	for _, target := range []float64{95, 93, 90, 85} {
		probes := 0
		for i, table := range measured {
			h := newHunt(x264CRF, pipeline.Quality{Metric: pipeline.VMAF, Target: target}, 0)
			score, crf, n := play(h, table, maxProbes)
			require.InDelta(t, target, score, 1, "%d: CRF %g", i, crf)
			require.False(t, h.limited())
			require.Zero(t, math.Mod(crf, x264CRF.Step))
			probes += n
		}
		require.LessOrEqual(t, probes, 3*len(measured), "three each, for %g", target)
	}
}

func TestAHuntBeginsWhereAnotherEnded(t *testing.T) {
	want := pipeline.Quality{Metric: pipeline.VMAF, Target: 80}
	part := newHunt(x264CRF, want, 0)
	_, _, n := play(part, measured[1], maxParts)
	require.Equal(t, maxParts, n)
	h := newHunt(x264CRF, want, 0)
	h.follow(part)
	_, _, n = play(h, measured[1], maxProbes)
	require.Equal(t, 1, n, "the whole is as its part")

	h = newHunt(x264CRF, want, 25)
	first, _ := h.next()
	require.Equal(t, 25.0, first)
	untried := newHunt(x264CRF, want, 25)
	h.follow(untried)
	first, _ = h.next()
	require.Equal(t, 25.0, first)
}

// A part whose score is near the best one shows nothing but that the CRF may be larger; of what two parts show of a
// step one half counts.
func TestAPartIsNotBelievedTooFar(t *testing.T) {
	want := pipeline.Quality{Metric: pipeline.VMAF, Target: 95}
	part := newHunt(x264CRF, want, 0)
	part.probed(23, 99.8)
	require.True(t, part.blinded())
	h := newHunt(x264CRF, want, 0)
	h.follow(part)
	first, _ := h.next()
	require.Equal(t, 23+1.5*x264CRF.Span, first)

	part = newHunt(x264CRF, want, 0)
	usual := part.slope
	part.probed(23, 97.3)
	require.False(t, part.blinded())
	part.probed(26.5, 96.2)
	h.follow(part)
	seen := (part.level(97.3) - part.level(96.2)) / (23 - 26.5)
	require.InDelta(t, math.Log(usual*seen), 2*math.Log(-h.slope), 1e-9)

	high := newHunt(x264CRF, pipeline.Quality{Metric: pipeline.VMAF, Target: 99}, 0)
	high.probed(23, 98.9)
	require.False(t, high.blinded(), "that is what is looked for")
}

func TestAHuntEndsAtTheLimits(t *testing.T) {
	flat := func(v float64) []float64 { return []float64{v, v - 0.001} }
	for score, want := range map[float64]float64{99: x264CRF.Most, 50: x264CRF.Least} {
		h := newHunt(x264CRF, pipeline.Quality{Metric: pipeline.VMAF, Target: 90}, 0)
		_, _, n := play(h, flat(score), 20)
		require.True(t, h.limited(), "of %g", score)
		next, more := h.next()
		require.False(t, more, "%g", next)
		require.Equal(t, want, map[bool]*probe{true: h.lo, false: h.hi}[score > 90].crf)
		require.LessOrEqual(t, n, maxProbes)
	}
}

// Neither of two steps is near enough: the nearer one is taken. A score that rises with the CRF leads no hunt in a
// circle.
func TestAHuntWithWholeSteps(t *testing.T) {
	whole := x264CRF
	whole.Step = 1
	steep := []float64{97, 88, 79, 70, 61, 52}
	h := newHunt(whole, pipeline.Quality{Metric: pipeline.VMAF, Target: 92.4}, 0)
	score, crf, _ := play(h, steep, maxProbes)
	require.Equal(t, []float64{19, 91}, []float64{crf, score})
	rising := []float64{80, 85, 90, 95, 99}
	h = newHunt(whole, pipeline.Quality{Metric: pipeline.VMAF, Target: 92}, 0)
	_, _, n := play(h, rising, 100)
	require.Less(t, n, 20)
}

func TestVMAFIsSampledAtAnOddDistance(t *testing.T) {
	for frames, want := range map[int]int{0: 1, 1: 1, 80: 1, 120: 3, 168: 3, 200: 5, 10_000: 5} {
		require.Equal(t, want, sampled(frames), "%d frames", frames)
	}
	require.Zero(t, beginning(119))
	require.Equal(t, 24, beginning(120))
}

// What is reported of several encodes never goes back, and ends with all.
func TestTheProgressOfASearchIsOne(t *testing.T) {
	var said []int
	s := newStretches(Request{Chunk: &pipeline.Chunk{PTS: pipeline.NewTimestamps(make([]int64, 100)...)},
		Progress: func(frames int, _ int64) { said = append(said, frames) }})
	for _, part := range []float64{partEncode, partMeasure, wholeEncode, wholeMeasure, wholeEncode, wholeMeasure} {
		report := s.next(part)
		for _, frames := range []int{0, 50, 100, 200} {
			report(frames, 1)
		}
	}
	require.Less(t, said[len(said)-1], 100)
	s.end()
	require.IsNonDecreasing(t, said)
	require.Equal(t, 100, said[len(said)-1])
}
