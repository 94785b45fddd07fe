package corpus

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEverySourceShowsItsFrames(t *testing.T) {
	for _, s := range sources {
		t.Run(s.Name, func(t *testing.T) {
			path := Make(t, s.Name)
			require.Equal(t, s.Name, filepath.Base(path))
			if s.Frames == 0 {
				return
			}
			numbers, times := Barcodes(t, path), PTS(t, path)
			require.Len(t, numbers, s.Frames)
			require.True(t, slices.IsSorted(numbers), "frames are shown in order: %v", numbers)
			require.Len(t, slices.Compact(slices.Clone(numbers)), s.Frames, "no frame twice: %v", numbers)
			require.Len(t, times, s.Frames)
			for i := 1; i < len(times); i++ {
				require.True(t, times[i-1].Before(times[i]), "frame %d at %v, the next at %v", i-1, times[i-1], times[i])
			}
		})
	}
}

func TestTimestampsAreTheOnesMade(t *testing.T) {
	frames := PTS(t, Make(t, "vfr.mkv"))
	require.Equal(t, Time{777, 1000}, frames[0])
	require.False(t, frames[61].Before(newTime(frames[60].Num+2*frames[60].Den, frames[60].Den)), "the gap of 2 s")

	frames = PTS(t, Make(t, "bframes.mp4"))
	require.Equal(t, newTime(100*1001, 24000), frames[100], "an MP4's ticks are not rounded")
}

func TestEditListHidesFrames(t *testing.T) {
	numbers := Barcodes(t, Make(t, "editlist.mp4"))
	require.Positive(t, numbers[0], "the first frames of the file are not shown")
	require.Equal(t, 143, numbers[len(numbers)-1])
}

func TestNamesAreUnique(t *testing.T) {
	names := Names()
	slices.Sort(names)
	require.Equal(t, names, slices.Compact(slices.Clone(names)))
	require.Subset(t, names, Whole())
	require.NotContains(t, Whole(), "empty.mkv")
}

func TestWriteIsRepeatableAndLeavesNothingElse(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		path, err := Write(dir, "-dash.mkv")
		require.NoError(t, err)
		require.Equal(t, filepath.Join(dir, "-dash.mkv"), path)
	}
	one, err := os.ReadFile(filepath.Join(a, "-dash.mkv"))
	require.NoError(t, err)
	two, err := os.ReadFile(filepath.Join(b, "-dash.mkv"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(one, two), "the same bytes")
	entries, err := os.ReadDir(a)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestUnknownNameIsAnError(t *testing.T) {
	_, err := Write(t.TempDir(), "nothing.mkv")
	require.ErrorContains(t, err, `"nothing.mkv"`)
}

func TestCopyIsOnesOwn(t *testing.T) {
	dir := t.TempDir()
	path := Copy(t, "not-a-video.mkv", dir)
	require.NoError(t, os.Remove(path))
	require.FileExists(t, Make(t, "not-a-video.mkv"))
}

func TestTimesAreEqualAcrossTimeBases(t *testing.T) {
	require.Equal(t, newTime(1001, 24000), newTime(2002, 48000))
	require.Equal(t, Time{0, 1}, newTime(0, 1000))
	require.Equal(t, Time{-1, 2}, newTime(-500, 1000))
	require.True(t, newTime(1, 3).Before(newTime(1, 2)))
}
