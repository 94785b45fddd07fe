package encode_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/test/corpus"
)

// What every encoder of encoder.All has to do. A new one needs a line in candidates.

// candidate is what the tests have to know of an encoder.
type candidate struct {
	quick  string // options that take little time
	player string // the same, for what most devices play
	// unheld are the sources that it can't hold as they are, by what the refusal says of them, though player has them
	// converted; unheldForms are such pixel formats.
	unheld, unheldForms map[string]string
	forms               map[string]string // what comes out of other pixel formats
	least, tooSmall     string            // the smallest picture, width:height, and one that it refuses; empty: none
	tag                 string            // MP4's name of its codec
	again               string            // more options, with which threads could make a difference
	anyThreads          bool              // the same comes out of any number of threads
	unseen              bool              // HDR10's light stands in its stream where ffprobe 5.1 does not look
}

var candidates = map[string]candidate{
	"x264": {
		quick: fast, player: fast + " --profile high", least: "2:2", unseen: true, tag: "avc1",
		forms: map[string]string{"yuv420p": "yuv420p", "yuv420p10le": "yuv420p10le", "yuv420p12le": "yuv420p10le",
			"yuv422p": "yuv422p", "yuv422p10le": "yuv422p10le", "yuv444p": "yuv444p", "yuv444p12le": "yuv444p10le",
			"gray": "gray", "gbrp": "yuv444p"},
	},
	"x265": {
		quick: hevc, player: hevc + " --profile main", least: "16:16", tooSmall: "30:14", tag: "hvc1",
		anyThreads: true, again: " --b-adapt 2 --rc-lookahead 20",
		forms: map[string]string{"yuv420p": "yuv420p", "yuv420p10le": "yuv420p10le", "yuv420p12le": "yuv420p12le",
			"yuv422p": "yuv422p", "yuv422p10le": "yuv422p10le", "yuv444p": "yuv444p", "yuv444p12le": "yuv444p12le",
			"gray": "gray", "gbrp": "yuv444p"},
	},
	"svtav1": {
		quick: av1, player: av1 + " --color-format 1 --input-depth 8", least: "64:64", tooSmall: "62:64", tag: "av01",
		anyThreads: true, again: " --preset 9 --film-grain 8",
		unheld: map[string]string{"prores.mov": "--color-format 1"},
		forms:  map[string]string{"yuv420p": "yuv420p", "yuv420p10le": "yuv420p10le"},
		unheldForms: map[string]string{"yuv420p12le": "--input-depth 10", "yuv422p": "--color-format 1",
			"yuv422p10le": "--color-format 1", "yuv444p": "--color-format 1", "yuv444p12le": "--color-format 1",
			"gray": "--color-format 1", "gbrp": "--color-format 1"},
	},
}

const (
	hevc = "--preset ultrafast --crf 28"
	av1  = "--preset 13 --crf 30"
)

// eachEncoder runs a test for each of them.
func eachEncoder(t *testing.T, test func(t *testing.T, e encoder.Encoder, c candidate)) {
	for _, e := range encoder.All() {
		t.Run(e.Name(), func(t *testing.T) {
			c, known := candidates[e.Name()]
			require.True(t, known, "%s has no line in candidates", e.Name())
			t.Parallel()
			test(t, e, c)
		})
	}
}

// TestEveryFrameOnceAtItsTime is the promise itself: chunk after chunk, the frames' own numbers and times are those of
// the source, and so they are in the merged file, whose packets are the chunks' own.
func TestEveryFrameOnceAtItsTime(t *testing.T) {
	eachEncoder(t, func(t *testing.T, e encoder.Encoder, c candidate) {
		for _, name := range corpus.Whole() {
			t.Run(name, func(t *testing.T) {
				path := corpus.Make(t, name)
				numbers := corpus.Barcodes(t, path)
				for _, s := range []struct {
					pipeline.Settings
					slots int
				}{
					{pipeline.Settings{Options: c.quick, Container: "mkv", Chunk: 2, Pieces: "copy"}, 0},
					{pipeline.Settings{Options: c.player, Container: "mp4", Chunk: 6, Pieces: "range"}, wide},
				} {
					s.Encoder = e.Name()
					if reason := c.unheld[name]; reason != "" && s.Options == c.quick {
						refused(t, path, s.Settings, reason)
						continue
					}
					checkWhole(t, path, numbers, s.Settings, s.slots)
				}
			})
		}
	})
}

// refused asserts that a source is refused at submission for this reason.
func refused(t *testing.T, path string, s pipeline.Settings, reason string) {
	t.Helper()
	_, err := plan(t, path, s)
	var refusal *pipeline.Refusal
	require.ErrorAs(t, err, &refusal, s.Options)
	require.Contains(t, refusal.Reason, reason, s.Options)
}

// checkWhole encodes and merges a source whose frames have these numbers.
func checkWhole(t *testing.T, path string, numbers []int, s pipeline.Settings, slots int) {
	t.Helper()
	j, err := planFor(t, path, s, slots)
	require.NoError(t, err)
	results, records := j.encodeAll(t)
	if s.Container == pipeline.MP4 {
		require.NoError(t, j.look(0, results[0], records[0], true))
	} else {
		j.ownPictures(t, results, records)
	}
	var times []corpus.Time
	for i, r := range results {
		times = append(times, corpus.PTS(t, r)...)
		require.Equal(t, records[0].Extradata, records[i].Extradata, "parameter sets")
		require.NotEmpty(t, records[i].Encoder)
		require.Equal(t, j.plan.Encoder, records[i].Encoder)
	}
	require.Equal(t, corpus.PTS(t, j.source), times) // a normalised copy counts from its own start
	if src, ok := corpus.Lookup(filepath.Base(path)); ok {
		require.Equal(t, src.Frames, j.plan.Frames)
	}
	require.Len(t, numbers, j.plan.Frames)
	require.Equal(t, numbers, corpus.Barcodes(t, j.merge(t, results)))
}

// merge makes the output of all results, whose verification compares its packets with theirs.
func (j job) merge(t *testing.T, results []string) string {
	t.Helper()
	work := filepath.Join(j.dir, "work")
	require.NoError(t, os.Mkdir(work, 0o700))
	source := filepath.Join(j.dir, "source"+filepath.Ext(j.source)) // a job's folder knows no odd names
	require.NoError(t, os.Symlink(j.source, source))
	req := merge.Request{
		Plan: j.plan, Results: results, Source: source, WorkDir: work,
		Out: filepath.Join(j.dir, "out."+string(j.plan.Settings.Container)),
	}
	_, err := merge.Merge(t.Context(), j.tools, req)
	require.NoError(t, err)
	return req.Out
}

// TestASeekToASeamShowsItsPicture in both containers.
func TestASeekToASeamShowsItsPicture(t *testing.T) {
	eachEncoder(t, func(t *testing.T, e encoder.Encoder, c candidate) {
		for name, container := range map[string]pipeline.Container{"h264-open.mkv": "mkv", "vfr.mp4": "mp4"} {
			path := corpus.Make(t, name)
			numbers := corpus.Barcodes(t, path)
			j := mustPlan(t, path, pipeline.Settings{Encoder: e.Name(), Options: c.quick, Chunk: 2,
				Container: container})
			require.Greater(t, len(j.plan.Chunks), 2)
			results, _ := j.encodeAll(t)
			out := j.merge(t, results)
			for _, chunk := range j.plan.Chunks {
				shown := filepath.Join(t.TempDir(), "shown.mkv")
				at := j.plan.Video.TimeBase.Seconds(chunk.Start) - 0.0005
				said, err := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-seek_timestamp", "1", "-ss",
					fmt.Sprintf("%.6f", at), "-i", out, "-map", "0:v:0", "-frames:v", "1", "-c:v", "ffv1", shown).CombinedOutput()
				require.NoError(t, err, "%s", said)
				require.Empty(t, said)
				require.Equal(t, numbers[chunk.First:chunk.First+1], corpus.Barcodes(t, shown), "chunk %d of %s", chunk.Index, name)
			}
		}
	})
}
