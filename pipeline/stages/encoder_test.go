package stages

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/pipeline/split"
	"github.com/distenc/distenc/pipeline/worker"
	"github.com/distenc/distenc/test/corpus"
)

// A chunk or a source that somebody has replaced by a link is not read: ffmpeg would follow it.
func TestLinksOnTheShareAreNotFollowed(t *testing.T) {
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	outside := filepath.Join(t.TempDir(), "canary.mkv")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o600))
	ffmpeg, err := exec.LookPath("false") // it would be another error
	require.NoError(t, err)
	e := &Encoder{share: share, tools: media.Tools{FFmpeg: ffmpeg}}
	file := pipeline.ChunkFile{Job: "abcdef01-k3f9z", Attempt: 1, Kind: pipeline.KindPiece}.AsClaimed("pc-w1")
	plan := &pipeline.Plan{Input: pipeline.Input{Source: "source.mkv"}, Chunks: []pipeline.Chunk{{}}}
	source := pipeline.JobFile(file.Job, plan.Source)
	for link, plain := range map[string]string{file.Path(): source, source: file.Path()} {
		for _, name := range []string{link, plain} {
			require.NoError(t, share.MkdirAll(filepath.Dir(name)))
			require.NoError(t, share.Remove(name))
		}
		require.NoError(t, os.Symlink(outside, share.Path(link)))
		require.NoError(t, os.WriteFile(share.Path(plain), nil, 0o600))
		_, err = e.Encode(t.Context(), &worker.Task{File: file, Plan: plan, Chunk: &plan.Chunks[0]})
		require.ErrorIs(t, err, sharefs.ErrNotRegular, link)
	}
}

// What this machine's encoder does not take is told of a film that was planned with another version of it: encoders
// only warn, and the chunks would be encoded without it.
func TestSettingsAreTriedWithEachVersion(t *testing.T) {
	tools, starts := counted(t, "none")
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	film := corpus.Make(t, "two-frames.mkv")
	encode := func(job, options string, planned func(version string) string) (*pipeline.Record, error) {
		e := &Encoder{share: share, tools: tools, builds: NewBuilds(tools, true)}
		build, err := e.builds.Of(t.Context(), "x265", "yuv420p")
		require.NoError(t, err)
		source := share.Path(pipeline.JobFile(job, "source.mkv"))
		require.NoError(t, os.MkdirAll(filepath.Dir(source), 0o700))
		require.NoError(t, os.Link(film, source))
		plan, err := split.Make(t.Context(), tools, split.Request{
			Job: job, Path: source, NormPath: source + ".norm", TestRest: merge.TryRest,
			Settings: pipeline.Settings{Encoder: "x265", Options: options, Container: pipeline.MKV},
			TestEncode: func(context.Context, media.Tools, *pipeline.Plan, string) (string, error) {
				return planned(build.Version), nil
			},
		})
		require.NoError(t, err)
		file := pipeline.ChunkFile{Job: job, Attempt: 1, Kind: pipeline.KindRange}.AsClaimed("pc-w1")
		require.NoError(t, share.MkdirAll(filepath.Dir(file.Partial())))
		task := &worker.Task{File: file, Plan: plan, Chunk: &plan.Chunks[0]}
		record, err := e.Encode(t.Context(), task)
		before := starts()
		again, errAgain := e.Encode(t.Context(), task)
		require.Equal(t, err, errAgain)
		require.Equal(t, map[bool]int{true: 1}[again != nil], starts()-before, "the settings are tried once")
		return record, err
	}
	same := func(version string) string { return version }
	other := func(string) string { return "x265 9.9" }
	_, err = encode("abcdef01-00001", "--display-window 1", other)
	require.True(t, refused(err), "%v", err)
	require.ErrorContains(t, err, `x265 does not take the settings "--display-window 1"`)
	require.ErrorContains(t, err, "were tried with x265 9.9, and this machine has x265 ")
	for job, planned := range map[string]func(string) string{"abcdef01-00002": same, "abcdef01-00003": other} {
		record, err := encode(job, "--preset ultrafast", planned)
		require.NoError(t, err)
		require.Equal(t, 2, record.Frames)
	}
}

// Settings that an earlier run is remembered to have taken, and that are not taken, end as they would have at
// submission.
func TestARememberedTrialThatIsWrongIsMadeAgain(t *testing.T) {
	tools, err := media.Find(nil)
	require.NoError(t, err)
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	facts := t.TempDir()
	remembering := func() (media.Tools, *Builds) {
		tools.Facts = media.OpenFacts(facts)
		builds := NewBuilds(tools, true)
		_, err := builds.Of(t.Context(), "x265", "yuv420p")
		require.NoError(t, err)
		return tools, builds
	}
	remembering()
	job := "abcdef01-00001"
	source := share.Path(pipeline.JobFile(job, "source.mkv"))
	require.NoError(t, os.MkdirAll(filepath.Dir(source), 0o700))
	require.NoError(t, os.Link(corpus.Make(t, "two-frames.mkv"), source))
	tools, builds := remembering()
	plan, err := split.Make(t.Context(), tools, split.Request{
		Job: job, Path: source, NormPath: source + ".norm", TestRest: merge.TryRest,
		Settings: pipeline.Settings{Encoder: "x265", Options: "--ctu 16 --min-cu-size 32", Container: pipeline.MKV},
		TestEncode: func(ctx context.Context, _ media.Tools, _ *pipeline.Plan, _ string) (string, error) {
			build, err := builds.Of(ctx, "x265", "yuv420p")
			return build.Version, err // as if it had been tried
		},
	})
	require.NoError(t, err)
	file := pipeline.ChunkFile{Job: job, Attempt: 1, Kind: pipeline.KindRange}.AsClaimed("pc-w1")
	require.NoError(t, share.MkdirAll(filepath.Dir(file.Partial())))
	e := &Encoder{share: share, tools: tools, builds: builds}
	task := &worker.Task{File: file, Plan: plan, Chunk: &plan.Chunks[0]}
	for range 2 { // the second attempt ends so too
		_, err = e.Encode(t.Context(), task)
		require.True(t, refused(err), "%v", err)
		require.ErrorContains(t, err, `x265 does not take the settings "--ctu 16 --min-cu-size 32": min CU size must be`)
	}
	left, err := os.ReadDir(facts)
	require.NoError(t, err)
	require.Empty(t, left, "what was known before is not believed any more")
}
