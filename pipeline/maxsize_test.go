package pipeline

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShares(t *testing.T) {
	for text, want := range map[string]Percent{"none": 0, "1%": 1, "95%": 95, "100%": 100} {
		var s Percent
		require.NoError(t, s.UnmarshalText([]byte(text)))
		require.Equal(t, want, s)
		require.Equal(t, text, s.String())
	}
	for _, text := range []string{"", "95", "0%", "-5%", "101%", "095%", "95.5%", "95 %", "95%%", "all"} {
		var s Percent
		require.ErrorContains(t, s.UnmarshalText([]byte(text)), `such as "95%"`, text)
		require.Zero(t, s)
	}
	require.EqualValues(t, 950, Percent(95).Of(1000))
}

// A film comes out a little smaller than its size; a rate is its video's alone.
func TestASizeSaysHowLargeTheOutputIs(t *testing.T) {
	require.Zero(t, (&Plan{}).LeastSize())
	for text, want := range map[string]int64{"1MB": 985_000, "50%": 985_000, "8k": 985_000 + 7} {
		var size Size
		require.NoError(t, size.UnmarshalText([]byte(text)))
		p := &Plan{Settings: Settings{Size: size}, Sound: 7, Budget: &Budget{Limit: size.Bytes(2e6, 1000)}}
		require.Equal(t, want, p.LeastSize(), text)
	}
}

// Each beginning of the order leaves no gap that is much longer than the others.
func TestSpread(t *testing.T) {
	require.Equal(t, []int{4, 2, 6, 1, 5, 3, 7, 0}, Spread(8))
	require.Empty(t, Spread(0))
	for _, n := range []int{1, 2, 7, 24, 100, 1999} {
		order := Spread(n)
		require.Len(t, order, n)
		sorted := slices.Sorted(slices.Values(order))
		for i, v := range sorted {
			require.Equal(t, i, v)
		}
		for first := 8; first < n; first *= 2 {
			at := append([]int{0}, slices.Sorted(slices.Values(order[:first]))...)
			for i, v := range append(at, n)[1:] {
				require.LessOrEqual(t, v-at[i], 2*n/first+2, "%d of %d", first, n)
			}
		}
	}
}

// aFilm is a plan with so many chunks of random sizes, and how large each comes out: mean times its source, more or
// less by spread.
func aFilm(random *rand.Rand, n int, limit Percent, mean, spread float64) (p *Plan, out []int64) {
	p = &Plan{Settings: Settings{MaxSize: limit}}
	for range n {
		bytes := 1e5 + 2e6*random.ExpFloat64()
		p.Chunks = append(p.Chunks, Chunk{Bytes: int64(bytes)})
		p.SourceSize += int64(bytes)
		out = append(out, max(1, int64(bytes*mean*max(0.05, 1+spread*random.NormFloat64()))))
	}
	return p, out
}

// A film that turns out to be within its limit is never said to be beyond it, however its scouts come in: 1,000 films
// that come out at 75 to 100% of it. One that is far beyond is known early.
func TestWhatIsSaidToOutgrowDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var early []int
	for k := range 1000 {
		far := k%10 == 0
		mean := 0.7 + 0.28*random.Float64()
		if far {
			mean = 1.5
		}
		p, out := aFilm(random, 24+random.IntN(400), 95, mean, 0.1+0.5*random.Float64())
		var total int64
		for _, bytes := range out {
			total += bytes
		}
		done := make([]int64, len(out))
		for n, i := range Spread(len(out)) {
			done[i] = out[i]
			outgrows, least := p.Outgrows(done)
			require.LessOrEqual(t, least, total, "film %d after %d of %d chunks", k, n+1, len(out))
			if outgrows {
				if far {
					early = append(early, 100*(n+1)/len(out))
				}
				break
			}
		}
	}
	slices.Sort(early)
	require.NotEmpty(t, early)
	t.Logf("beyond by half: known after %d%% of the chunks in the middle, %d%% at the latest", early[len(early)/2],
		early[len(early)-1])
	require.Less(t, early[len(early)/2], 40)
}

func TestScoutsCountOnlyAsFarAsAllAreDone(t *testing.T) {
	p, out := aFilm(rand.New(rand.NewPCG(5, 6)), 100, 50, 1, 0)
	done := make([]int64, len(out))
	order := p.Scouts()
	require.Len(t, order, 25)
	for _, i := range order[1:20] {
		done[i] = out[i]
	}
	outgrows, _ := p.Outgrows(done)
	require.False(t, outgrows, "the first of them is not done: it may be the one that takes long")
	done[order[0]] = out[order[0]]
	outgrows, _ = p.Outgrows(done)
	require.True(t, outgrows)
	require.Greater(t, p.Early()[order[0]], p.Early()[order[1]])
	p.Settings.MaxSize = 0
	outgrows, _ = p.Outgrows(done)
	require.False(t, outgrows)
	require.Empty(t, p.Scouts())
	// The sound that is copied counts from the start.
	p.Settings.MaxSize, p.Sound = 50, p.SourceSize
	outgrows, _ = p.Outgrows(make([]int64, len(out)))
	require.True(t, outgrows)
}
