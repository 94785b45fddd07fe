package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSizes(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "0B": 0, "1B": 1, "2GiB": 2 << 30, "2 gib": 2 << 30, "1.5KiB": 1536, "500MB": 500e6, "3TB": 3e12,
		"1TiB": 1 << 40,
	} {
		var got size
		require.NoError(t, got.UnmarshalText([]byte(s)), s)
		require.EqualValues(t, want, got, s)
	}
	for s, want := range map[string]string{
		"2": `"2" has no unit: write "2MiB" or "2GiB"`, "": "is no size", "GiB": "is no size", "-1GiB": "is no size",
		"2 apples": "is no size", "NaNB": "is no size", "9e99TiB": "is no size", "2G": "is no size",
	} {
		require.ErrorContains(t, new(size).UnmarshalText([]byte(s)), want, s)
	}
}
