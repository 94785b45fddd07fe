package stages

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/media"
)

// A source that is replaced by a link after the inbox was looked at is not read: ffprobe would follow it.
func TestLinksAreNotFollowed(t *testing.T) {
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	outside := filepath.Join(t.TempDir(), "canary.mkv")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o600))
	none, err := exec.LookPath("false") // it would be another error
	require.NoError(t, err)
	s := &Media{FS: share, Tools: media.Tools{FFmpeg: none, FFprobe: none, MKVMerge: none}}
	j := &pipeline.Job{ID: "abcdef01-k3f9z", Source: "source.mkv"}
	plan := &pipeline.Plan{Job: j.ID, Input: pipeline.Input{Source: j.Source}, Chunks: []pipeline.Chunk{{}}}
	for _, name := range []string{"inbox/a.mkv", pipeline.JobFile(j.ID, j.Source)} {
		require.NoError(t, share.MkdirAll(filepath.Dir(name)))
		require.NoError(t, os.Symlink(outside, share.Path(name)))
	}
	_, err = s.Scan(t.Context(), "inbox/a.mkv")
	require.ErrorIs(t, err, sharefs.ErrNotRegular)
	_, err = s.Plan(t.Context(), j, master.Scan{})
	require.ErrorIs(t, err, sharefs.ErrNotRegular)
	require.ErrorIs(t, s.Pieces(t.Context(), plan, []int{0}, nil), sharefs.ErrNotRegular)
	_, err = s.Merge(t.Context(), j, plan, nil, nil, "out", nil)
	require.ErrorIs(t, err, sharefs.ErrNotRegular)
}
