package sample

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every cell is in one stratum, strata are of like bytes a frame, and each has about an equal part of the work.
func TestStrata(t *testing.T) {
	var cells []cell
	total := 0.0
	for i := range 100 {
		c := cell{from: 10 * i, to: 10*i + 10, source: float64(10 + i*37%90), work: 10}
		cells, total = append(cells, c), total+c.work
	}
	strata := stratify(cells)
	require.Len(t, strata, mostStrata)
	var all []cell
	for i, s := range strata {
		sum, least, most := 0.0, s[0].source, s[0].source
		for _, c := range s {
			sum, least, most = sum+c.work, min(least, c.source), max(most, c.source)
		}
		require.InDelta(t, total/mostStrata, sum, 0.05*total)
		if i > 0 {
			before := slices.MaxFunc(strata[i-1], func(a, b cell) int { return int(a.source - b.source) })
			require.GreaterOrEqual(t, least, before.source)
		}
		all = append(all, s...)
	}
	draw(strata)
	require.ElementsMatch(t, cells, all)
	require.ElementsMatch(t, cells, slices.Concat(strata...))
}

// What is so unlike as noise and a still picture does not stand in one stratum.
func TestALeapEndsAStratum(t *testing.T) {
	var cells []cell
	for i := range 100 {
		c := cell{from: i, to: i + 1, source: 10 + float64(i)/100, work: 1}
		if i >= 68 {
			c.source = 300
		}
		cells = append(cells, c)
	}
	strata := stratify(cells)
	require.Len(t, strata, mostStrata)
	require.Len(t, strata[2], 68-50)
	require.Len(t, strata[3], 32)
}

// However many cells are taken, they lie evenly over the film.
func TestTheFirstCellsLieEvenly(t *testing.T) {
	for _, n := range []int{1, 2, 7, 100, 1001} {
		all := order(n, 0.3)
		sorted := slices.Sorted(slices.Values(all))
		for i, v := range sorted {
			require.Equal(t, i, v)
		}
	}
	const n = 1000
	for taken := 3; taken < 40; taken++ {
		some := slices.Sorted(slices.Values(order(n, 0.3)[:taken]))
		widest := some[0] + n - some[taken-1]
		for i := 1; i < taken; i++ {
			widest = max(widest, some[i]-some[i-1])
		}
		require.LessOrEqual(t, widest, 2*n/taken, taken)
	}
}

func TestForcedKeys(t *testing.T) {
	require.InDelta(t, 2.0/480, forcedKeys(0, 0, 480, 250), 1e-12, "no scene: one at the start, one in the middle")
	require.InDelta(t, 1.0/480, forcedKeys(1, 0, 480, 250), 1e-6, "scenes all the time: the chunk's own alone")
	require.InDelta(t, 1.0/480, forcedKeys(0, 0, 480, 0), 1e-12, "no limit")
	require.InDelta(t, 1.0/480, forcedKeys(0, 1, 480, 250), 1e-12, "chunks begin with scenes")
	require.InDelta(t, 10.0/480, forcedKeys(0, 0, 480, 48), 1e-12)
}
