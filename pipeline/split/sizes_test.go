package split

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAShortFilmGivesEachOfManySlotsAFewChunks(t *testing.T) {
	count := func(seconds float64, slots int) (n int, shortest float64) {
		size := sizes(seconds, 20, slots, slots >= manySlots)
		for left := seconds; left > 0; n++ {
			shortest = size(left)
			left -= shortest
		}
		return n, shortest
	}
	for _, c := range []struct {
		minutes float64
		slots   int
		chunks  int // from so many
		most    int // to so many
	}{
		{120, 0, 360, 360}, {120, 8, 360, 420}, {120, 200, 700, 1200},
		{20, 64, 192, 320}, {20, 200, 500, 720}, {20, 48, 120, 175},
		{1.6, 16, 10, 18},
	} {
		n, shortest := count(c.minutes*60, c.slots)
		require.GreaterOrEqual(t, n, c.chunks, "%v min on %d", c.minutes, c.slots)
		require.LessOrEqual(t, n, c.most, "%v min on %d", c.minutes, c.slots)
		require.GreaterOrEqual(t, shortest, 20./12, "%v min on %d", c.minutes, c.slots)
	}
}
