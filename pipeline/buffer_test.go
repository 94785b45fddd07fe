package pipeline

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The chunks' flows, one behind the other, tell what a walk through all pictures at once does, wherever it is cut.
func TestFlowsJoinAsTheirPicturesDo(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	late := 0
	for range 500 {
		b := Buffer{Rate: 1000, Size: 200 + 800*random.Float64(), Start: random.Float64()}
		var flows []Flow
		var want []float64
		fill := b.Start * b.Size
		for range 1 + random.IntN(6) {
			var sizes, seconds []float64
			lowest := b.Size
			for range 1 + random.IntN(30) {
				bits, shown := 120*random.Float64(), 0.02+0.06*random.Float64()
				sizes, seconds = append(sizes, bits), append(seconds, shown)
				fill -= bits
				lowest = min(lowest, fill)
				fill = min(fill+b.Rate*shown, b.Size)
			}
			if fill < 0 { // a decoder waits there
				fill = 0
			}
			flows, want = append(flows, b.Flow(sizes, seconds)), append(want, lowest)
			if lowest < 0 {
				late++
			}
		}
		require.InDeltaSlice(t, want, b.Joined(flows), 1e-6)
	}
	require.Positive(t, late, "some overrun it")
}

func TestAllowanceIsNeverMoreThanThereIs(t *testing.T) {
	b := Buffer{Rate: 1000, Size: 400, Start: 0.9, Seam: 0.5}
	rate, size, start := Allowance{}.Of(b, false)
	require.Equal(t, []float64{1000, 400, 0.9}, []float64{rate, size, start})
	_, _, start = Allowance{}.Of(b, true)
	require.InDelta(t, 0.5, start, 1e-9)
	rate, size, start = Allowance{0.5, 0.9}.Whole().Of(b, true)
	require.InDeltaSlice(t, []float64{1000, 400, 0.4}, []float64{rate, size, start}, 1e-9)
	for _, a := range []Allowance{Allowance{0.1, 0.6}.Whole(), {0.3, 0.9}, {0.9, 0.5}, {0.02, 1}, {0, 0}, {-1, 7}} {
		rate, size, start := a.Of(b, true)
		require.True(t, rate > 0 && rate <= b.Rate && size > 0 && size <= b.Size, a)
		require.True(t, start >= leastStart && start <= 1, a)
		if a.Start > 0.2 { // what the encoder takes for empty is what was kept back
			require.InDelta(t, a.Start*b.Size, start*size+(b.Size-size), 1e-6)
		}
	}
}
