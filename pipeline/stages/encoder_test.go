package stages

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/worker"
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
