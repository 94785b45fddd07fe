package pipeline

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThereAre(t *testing.T) {
	require.Equal(t, "there is a", ThereAre([]string{"a"}))
	require.Equal(t, "there are a and b", ThereAre([]string{"a", "b"}))
	require.Equal(t, "there are a, b and c", ThereAre([]Container{"a", "b", "c"}))
}
