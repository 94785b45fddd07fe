package pipeline

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStudent(t *testing.T) { // tables of the distribution, both sides, 90%
	for freedom, want := range map[int]float64{4: 2.132, 8: 1.860, 20: 1.725, 1000: 1.646} {
		require.InDelta(t, want, Student(1.6449, freedom), 0.002)
	}
}
