package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAPauseIsNeverShortened(t *testing.T) {
	var p pause
	now := time.Unix(1000, 0)
	why, _ := p.at(now)
	require.Empty(t, why)
	p.extend(now.Add(10*time.Minute), "chunks of two jobs failed here")
	p.extend(now.Add(30*time.Second), "the disk is full")
	why, until := p.at(now.Add(time.Minute))
	require.Equal(t, "chunks of two jobs failed here", why)
	require.Equal(t, now.Add(10*time.Minute), until)
	why, _ = p.at(until)
	require.Empty(t, why)
}

// What the machine's owner asks for comes before what happened here, and has no end.
func TestWhyNothingIsClaimed(t *testing.T) {
	var p pause
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	require.Empty(t, p.words(now))
	p.extend(now.Add(time.Minute), "the disk is full")
	require.Equal(t, "the disk is full; claims again at 10:01:00", p.words(now))
	require.Empty(t, p.setRest("the wrong hour"))
	require.Equal(t, "the wrong hour", p.words(now))
	require.Equal(t, "the wrong hour", p.words(now.Add(time.Hour)))
	require.Equal(t, "the wrong hour", p.setRest(""))
	require.Empty(t, p.words(now.Add(time.Minute)))
}
