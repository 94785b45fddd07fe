package pipeline

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

var quarters = CRFs{Least: 8, Most: 51, Step: 0.25, Span: 6}

func TestCurves(t *testing.T) {
	c := NewCurve(Point{30, 500}, Point{20, 2000}, Point{25, 0}, Point{26, 2100})
	require.Equal(t, Curve{{20, 2000}, {30, 500}}, c)
	require.InDelta(t, 1000, c.Bytes(25, 6), 1)
	require.InDelta(t, 2000, c.Bytes(20, 6), 1)
	require.InDelta(t, 250, c.Bytes(35, 6), 1)
	require.InDelta(t, 4000, c.Bytes(15, 6), 1)
	require.InDelta(t, 1000, Curve{{20, 2000}}.Bytes(26, 6), 1)
	require.Zero(t, Curve(nil).Bytes(20, 6))

	cliff := Curve{{20, 100_000}, {22, 1000}}
	require.Greater(t, cliff.Bytes(24, 6), 400.0, "a cliff does not go on")
	require.Less(t, Curve{{20, 1000}, {24, 999}}.Bytes(30, 6), 800.0, "nor does a plain")

	next := func(c Curve, bytes float64) float64 { crf, _ := c.Next(bytes, quarters); return crf }
	require.InDelta(t, 32, next(Curve{{26, 1000}}, 500), 0.01)
	require.InDelta(t, 28, next(Curve{{26, 1000}}, 990), 0.01)
	require.InDelta(t, 10, next(Curve{{26, 1000}}, 1e9), 0.01)
	require.InDelta(t, 25, next(Curve{{20, 2000}, {30, 500}}, 1000), 0.01)
	require.InDelta(t, 22, next(Curve{{20, 2000}, {30, 500}}, 1999), 0.01)
	require.InDelta(t, 36, next(Curve{{20, 2000}, {30, 500}}, 250), 0.01)
	_, known := Curve{{51, 1000}}.Next(500, quarters)
	require.False(t, known, "there is none beyond")
}

func TestWanted(t *testing.T) {
	b := Budget{Limit: 1000, Source: []int64{100, 300}}
	require.InDelta(t, 3, b.Expected(1)/b.Expected(0), 1e-9)
	require.InDelta(t, b.aim(0, 0), b.Expected(0)+b.Expected(1), 1e-9)
}

// film is made up: what its chunks really take, and what was measured of them, which is not quite the same.
type film struct {
	budget Budget
	truth  []func(crf float64) int64
}

func drawFilm(t *rapid.T, step float64) film {
	r := CRFs{Least: 8, Most: 50, Step: step, Span: 6}
	n := rapid.IntRange(1, 60).Draw(t, "chunks")
	bias := rapid.Float64Range(0.7, 1.4).Draw(t, "bias")
	f := film{budget: Budget{Range: r}}
	sum := 0.0
	for range n {
		at23 := math.Exp(rapid.Float64Range(8, 14).Draw(t, "bytes"))
		slope := rapid.Float64Range(0.07, 0.17).Draw(t, "slope")
		odd := rapid.Float64Range(0.85, 1.2).Draw(t, "odd")
		bend := rapid.Float64Range(0.9, 1.1).Draw(t, "bend")
		f.truth = append(f.truth, func(crf float64) int64 {
			return int64(at23 * bias * odd * math.Exp(-slope*bend*(crf-23)))
		})
		measured := func(crf float64) Point { return Point{crf, int64(at23 * math.Exp(-slope*(crf-23)))} }
		f.budget.Curves = append(f.budget.Curves, NewCurve(measured(20), measured(29)))
		sum += at23
	}
	f.budget.Rest = rapid.Int64Range(0, int64(sum)).Draw(t, "rest")
	f.budget.Limit = int64(sum*rapid.Float64Range(0.15, 3).Draw(t, "part")) + f.budget.Rest
	return f
}

func (f film) size(taken []Taken) (sum int64) {
	for _, s := range taken {
		sum += s.Bytes
	}
	return sum + f.budget.Rest
}

func TestAFilmBeginsWithinItsBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFilm(t, rapid.SampledFrom([]float64{0.25, 1}).Draw(t, "step"))
		crfs, least, fits := f.budget.Begin()
		sum := 0.0
		for i, crf := range crfs {
			require.InDelta(t, crfs[0], crf, f.budget.Range.Step, "one CRF for all, give or take a step")
			sum += f.budget.Curves[i].Bytes(crf, f.budget.Range.Span)
		}
		require.Equal(t, fits, sum+float64(f.budget.Rest) <= float64(f.budget.Limit)*(1-margin))
		if !fits {
			require.Greater(t, float64(least), float64(f.budget.Limit)*(1-margin)-1)
			require.Equal(t, f.budget.Range.Most, crfs[0])
			return
		}
		more := f.budget
		more.Limit = more.Limit*5/4 + 1
		better, _, _ := more.Begin()
		for i := range crfs {
			require.LessOrEqual(t, better[i], crfs[i]+f.budget.Range.Step, "more bytes, no higher CRF")
		}
	})
}

// Whatever is measured wrongly, in whatever order chunks are claimed and done: a film that settles is within its limit,
// and near it if anything between its CRFs is.
func TestAFilmEndsWithinItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFilm(t, 0.25)
		b := &f.budget
		var fits bool
		if b.CRFs, _, fits = b.Begin(); !fits {
			return
		}
		taken, all := make([]Taken, len(b.CRFs)), Corrections(nil)
		for i := range taken {
			taken[i].Free = true
		}
		order := rapid.Permutation(indexes(len(taken))).Draw(t, "order")
		inWork := rapid.IntRange(1, 8).Draw(t, "in work")
		for k := range len(order) + inWork {
			if k < len(order) {
				i := order[k]
				taken[i] = Taken{CRF: all.CRF(b, i)}
			}
			if k >= inWork {
				i := order[k-inWork]
				taken[i].Bytes = f.truth[i](taken[i].CRF)
			}
			if c, ok := all.Correct(b, taken); ok {
				for i, s := range taken {
					if !s.Free && s.Bytes > 0 {
						require.Equal(t, s.CRF, c.CRFs[i], "what is done stays")
					}
					require.InDelta(t, b.CRFs[i], c.CRFs[i], drift+1)
				}
				require.Empty(t, c.Again)
				all = append(all, c)
			}
		}
		for range 40 {
			c, ok, hopeless := all.Mend(b, taken, b.Rest)
			if hopeless {
				for _, s := range taken {
					require.Equal(t, b.Range.Most, s.CRF)
				}
				return
			}
			if !ok {
				break
			}
			all = append(all, c)
			for _, i := range c.Again {
				require.True(t, all.Stale(i, len(all)-1))
				require.False(t, all.Stale(i, len(all)))
				taken[i] = Taken{Bytes: f.truth[i](c.CRFs[i]), CRF: c.CRFs[i]}
			}
		}
		require.LessOrEqual(t, f.size(taken), b.Limit)
		finest := true
		for _, s := range taken {
			finest = finest && s.CRF == b.Range.Least
		}
		if !finest && len(taken) > 4 {
			require.Greater(t, float64(f.size(taken)), float64(b.Limit)*(1-2*accuracy))
		}
	})
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// What is read from the share may be rotten, or somebody's joke: a master neither calculates with it for ever nor
// copies it into a correction that nobody could read.
func TestWhatNoFilmCanHaveSpentIsRefused(t *testing.T) {
	plan := &Plan{Job: fuzzJob, Chunks: make([]Chunk, 2), Budget: &Budget{
		Limit: 1000, Rest: 100, Source: []int64{1, 2}, Range: quarters,
		Curves: []Curve{{{20, 600}, {30, 100}}, {{22, 50}}}, CRFs: []float64{21, 21.25},
	}}
	c, ok := ParseStem(fuzzJob + ".00000.a1.pc1-w12345.abcdefghijkl")
	require.True(t, ok)
	for text, fine := range map[string]bool{
		`"video":500,"spent":{"crf":22,"corrections":99}`:  true,
		`"video":500,"spent":{"crf":62,"corrections":0}`:   false,
		`"video":500,"spent":{"crf":1e300}`:                false,
		`"video":500,"spent":{"crf":-1e300}`:               false,
		`"video":500`:                                      false,
		`"video":-1,"spent":{"crf":22}`:                    false,
		`"video":9000000000000000000,"spent":{"crf":22}`:   false,
		`"video":500,"spent":{"crf":22,"corrections":999}`: false,
		`"video":500,"spent":{"crf":22,"corrections":-1}`:  false,
	} {
		share := sharefstest.Files(map[string][]byte{c.Record(): fmt.Appendf(nil,
			`{"chunk":%q,"attempt":1,"node":"pc1-w12345",%s}`, c.ID(), text)})
		_, err := LoadRecordOf(share, plan, c)
		require.Equal(t, fine, err == nil, "%s: %v", text, err)
	}
	for _, c := range []Correction{
		{CRFs: []float64{20, 62}}, {CRFs: []float64{20, 20}, Rest: -1}, {CRFs: []float64{20}},
		{CRFs: []float64{20, 20}, Took: []Point{{-1e300, 5}}}, {CRFs: []float64{20, 20}, Took: []Point{{20, -5}}},
	} {
		require.Error(t, c.Publish(sharefstest.Files(nil), plan, 1))
	}
	require.False(t, CRFs{Least: 8, Most: 51, Step: 0.25, Span: 1e-308}.check())
	plan.Budget.Curves[1][0].CRF = 1e300
	require.False(t, plan.Budget.check(plan))
}

func TestBytesThatAreNoNumberEndASweep(t *testing.T) {
	all := portions{{at: func(float64) float64 { return math.NaN() }}}
	all[0].give(20)
	n := 0
	all.sweep(quarters, func() { n++ })
	require.Less(t, n, 200)
}

func TestAResultOfMoreCorrectionsThanThereAreIsStale(t *testing.T) {
	all := Corrections{{Again: []int{1}}}
	require.True(t, all.Stale(1, 0))
	require.False(t, all.Stale(1, 1))
	require.True(t, all.Stale(1, 2))
	require.False(t, all.Stale(0, 2))
}

// Whoever meets a plan that wants a size kept goes by its budget.
func TestAPlanForASizeHasABudget(t *testing.T) {
	var none *Budget
	for _, size := range []Size{{}, {4, "GB"}} {
		settings := Settings{Size: size}
		require.Equal(t, size == Size{}, none.check(&Plan{Settings: settings}))
		require.False(t, none.check(&Plan{Settings: settings, Analysis: Rate}))
		require.True(t, none.check(&Plan{Settings: settings, Analysis: Bars}))
	}
}
