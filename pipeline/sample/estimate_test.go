package sample

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// All cells drawn leave nothing to estimate but what is wrong with every one.
func TestAllCellsDrawnGiveTheSum(t *testing.T) {
	strata := []stratum{
		{cells: 2, known: 30, drawn: []drawn{{10, 3}, {20, 8}}},
		{cells: 1, known: 5, drawn: []drawn{{5, 1}}},
	}
	e := estimate(strata)
	require.InDelta(t, 12, e.Value, 1e-9)
	require.InDelta(t, 12*(1-bias), e.Low, 1e-9)
	require.InDelta(t, 12*(1+bias), e.High, 1e-9)
}

// A ratio that is the same everywhere is found from one cell, however unlike the cells are.
func TestTheRatioCarriesOver(t *testing.T) {
	e := estimate([]stratum{{cells: 100, known: 1000, drawn: []drawn{{1, 0.25}, {30, 7.5}}}})
	require.InDelta(t, 250, e.Value, 1e-9)
}

// The interval holds about as often as it says: over many films whose cells' results are what the source spends, and
// chance.
func TestTheIntervalHolds(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	held, films := 0, 400
	for range films {
		cells := make([]cell, 400)
		results := map[int]float64{}
		sum := 0.0
		for i := range cells {
			kind := math.Exp(1.5 * math.Sin(float64(i)/40)) // scenes
			cells[i] = cell{from: i, to: i + 1, source: kind * (0.5 + dice.Float64())}
			cells[i].work = 0.2 + math.Pow(cells[i].source, 0.7)
			results[i] = math.Pow(cells[i].source, 0.8) * math.Exp(0.4*dice.NormFloat64())
			sum += results[i]
		}
		strata := stratify(cells)
		draw(strata)
		var drawnStrata []stratum
		for _, cells := range strata {
			s := stratum{cells: len(cells)}
			for i, c := range cells {
				if s.known += c.source; i < 3 {
					s.drawn = append(s.drawn, drawn{c.source, results[c.from]})
				}
			}
			drawnStrata = append(drawnStrata, s)
		}
		if e := estimate(drawnStrata); e.Low <= sum && sum <= e.High {
			held++
		}
	}
	require.Greater(t, held, films*80/100)
}

// A bound for the size is told of where the output may not keep to it.
func TestABoundForTheSize(t *testing.T) {
	for high, want := range map[float64]string{94: "", 105: "may be skipped", 130: "would be skipped"} {
		c := Candidate{Size: Estimate{Value: high - 10, Low: high - 20, High: high}}
		c.Settings.MaxSize = 95
		c.bound(100)
		require.Equal(t, want != "", len(c.Notes) == 1)
		for _, note := range c.Notes {
			require.Contains(t, note, want)
			require.Contains(t, note, `max_size = "95%"`)
		}
	}
}

// Seven chunks in two slots take as long as eight.
func TestTheLastChunkIsWaitedFor(t *testing.T) {
	c := Candidate{Work: exactly(70), chunks: 7, overhead: overhead{around: 3}}
	require.InDelta(t, 43, c.Time(2).Value, 1e-9)
	c.chunks = 700
	require.InDelta(t, 38, c.Time(2).Value, 1e-9)
	c.Whole, c.parts = true, []part{{seconds: 2}, {seconds: 9}, {seconds: 3}, {seconds: 3}}
	require.InDelta(t, 3+9, c.Time(2).Value, 1e-9, "as long as the longest of them")
	require.InDelta(t, 3+17, c.Time(1).Value, 1e-9)
}
