//go:build linux

package farm_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

// accuracy is how far below its limit a film may end.
const accuracy = 0.015

func TestAFilmKeepsToItsSize(t *testing.T) {
	t.Parallel()
	source := corpus.Film(t, 12)
	info, err := os.Stat(source)
	require.NoError(t, err)
	video := videoBytes(t, source)
	for _, c := range []struct {
		name, profile string
		limit         int64
		ofVideo       bool
	}{
		{"of the file", `x264 = "--preset ultrafast"` + "\nsize = \"350KB\"\n", 350_000, false},
		{"part of the source", `x265 = "--preset ultrafast"` + "\nsize = \"30%\"\n", info.Size() * 30 / 100, false},
		// the film does not tell how long its last picture is shown: 11.971 seconds
		{"of the video", `x264 = "--preset veryfast"` + "\nsize = \"200k\"\ncontainer = \"mp4\"\n", 299_275, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFarm(t, calmTerms+"[profiles.default]\n"+c.profile)
			f.start("master")
			f.start("worker", "--slots", "2")
			f.drop(source, "a.mkv")
			j := f.job(pipeline.Done, pipeline.JobFailed)
			require.Equal(t, pipeline.Done, j.State, j.Error)
			out := filepath.Join(f.dir, j.Output)
			exact(t, source, out)
			size := videoBytes(t, out)
			if !c.ofVideo {
				info, err := os.Stat(out)
				require.NoError(t, err)
				size = info.Size()
			}
			require.Less(t, c.limit, video, "the test's limit says nothing")
			require.LessOrEqual(t, size, c.limit)
			require.Greater(t, float64(size), float64(c.limit)*(1-accuracy), j.Notes)
			require.Contains(t, j.Notes[len(j.Notes)-1], "kbit/s for the video")
			f.nothingLeft()
		})
	}
}

// videoBytes adds up the packets of a film's video.
func videoBytes(t *testing.T, path string) (sum int64) {
	t.Helper()
	tools, err := media.Find(nil)
	require.NoError(t, err)
	require.NoError(t, tools.EachTime(context.Background(), path, func(p media.Packet) error {
		if p.Stream == 0 {
			sum += int64(p.Size)
		}
		return nil
	}))
	return sum
}

// What can't be had is told before work is spent.
func TestASizeThatCanNotBeIsRefused(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast+"size = \"60KB\"\n")
	f.start("run", "--slots", "2")
	f.drop(corpus.Film(t, 12), "a.mkv")
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.JobFailed, j.State)
	require.Regexp(t, `With size = "60KB" nothing is left for the video: the file may have 60 kB, and sound, other `+
		`tracks and the container take [0-9.]+ kB\. Allow more, or have less of them`, j.Error)
	require.Empty(t, f.records())
}
