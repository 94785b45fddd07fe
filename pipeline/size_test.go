package pipeline

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSizes(t *testing.T) {
	const source, seconds = 2_000_000_000, 100.0
	for text, want := range map[string]int64{
		"4.3GB": 4_300_000_000, "300kB": 300_000, "700MiB": 734_003_200, "60%": 1_200_000_000, "12.5%": 250_000_000,
		"1000TB": 1e15, "9999999M": 124_999_987_500_000,
		"2500k": 31_250_000, "2.5M": 31_250_000, "1 TB": 1_000_000_000_000, "80KiB": 81_920,
	} {
		var s Size
		require.NoError(t, s.UnmarshalText([]byte(text)), text)
		require.Equal(t, want, s.Bytes(source, seconds), text)
		var back Size
		require.NoError(t, back.UnmarshalText([]byte(s.String())))
		require.Equal(t, s, back)
	}
	require.EqualValues(t, maxTold, Size{9999999, "M"}.Bytes(source, 1e6), "a plan can have no more")
	var none Size
	require.NoError(t, none.UnmarshalText([]byte("none")))
	require.Equal(t, Size{}, none)
}

func TestTextsThatAreNoSizes(t *testing.T) {
	for text, want := range map[string]string{
		"": "must be", "4": "must be", "4G": "must be", "-4GB": "must be", "4e3MB": "must be", "NaN%": "must be",
		"0GB": "more than nothing", "0.000%": "more than nothing", "101%": "at most 100%", "2500kb": "must be",
		"2000TB": "at most 1000TB", "9999999TB": "at most 1000TB", "1000TiB": "at most 1000TB",
		"4GB;": "must be", "4\nGB": "must be",
	} {
		s := Size{1, "GB"}
		require.ErrorContains(t, s.UnmarshalText([]byte(text)), want, text)
		require.Equal(t, Size{1, "GB"}, s)
	}
}

func TestBytesAreSaidWithTheDigitsThatMeanAnything(t *testing.T) {
	for n, want := range map[int64]string{
		999: "999 bytes", 300_000: "300 kB", 4_312_345_678: "4.312 GB", 100_000e9: "100 TB", maxTold: "1000 TB",
	} {
		require.Equal(t, want, Bytes(n))
	}
}
