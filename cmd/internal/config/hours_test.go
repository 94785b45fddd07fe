package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHours(t *testing.T) {
	for _, c := range []struct {
		hours   string
		in, out []string
	}{
		{"", []string{"00:00", "12:00", "23:59"}, nil},
		{"22:00-07:00", []string{"22:00", "23:59", "00:00", "06:59"}, []string{"07:00", "12:00", "21:59"}},
		{"08:30-9:00", []string{"08:30", "08:59"}, []string{"08:29", "09:00", "00:00"}},
		{" 12:00-13:00 , 18:00 - 24:00", []string{"12:30", "18:00", "23:59"}, []string{"13:00", "17:59", "00:00"}},
		{"00:00-24:00", []string{"00:00", "23:59"}, nil},
		{"20:00-00:00", []string{"20:00", "23:59"}, []string{"00:00", "19:59"}},
	} {
		h, err := ParseHours(c.hours)
		require.NoError(t, err)
		for at, want := range map[bool][]string{true: c.in, false: c.out} {
			for _, s := range want {
				now, err := time.Parse("15:04", s)
				require.NoError(t, err)
				require.Equal(t, at, h.Contains(now), "%q contains %s", c.hours, s)
			}
		}
	}
}

func TestHoursGoByTheClockOfTheTimesOwnPlace(t *testing.T) {
	h, err := ParseHours("22:00-23:00")
	require.NoError(t, err)
	noon := time.Date(2026, 11, 1, 12, 30, 0, 0, time.UTC)
	require.False(t, h.Contains(noon))
	require.True(t, h.Contains(noon.In(time.FixedZone("", 10*3600))))
	require.Equal(t, "22:00-23:00", h.String())
}

func TestNoHours(t *testing.T) {
	for _, s := range []string{"22:00", "22-7", "22:00-25:00", "22:00-07:00,", "7:00-7:00", "24:00-07:00", "22:60-23:00",
		"night", "-"} {
		_, err := ParseHours(s)
		require.ErrorContains(t, err, "no times of the day", s)
	}
}
