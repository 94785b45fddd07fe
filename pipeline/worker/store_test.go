package worker

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

// A file server that loses its power right behind a rename takes it back. What is synced next is not there, and the
// result is moved once more.
func TestAResultWhoseMoveWasUndoneIsStoredAllTheSame(t *testing.T) {
	dir, undone := t.TempDir(), false
	c := pipeline.ChunkFile{Job: pipeline.NewJobID("00000001"), Kind: pipeline.KindRange}.AsPending(1)
	c = c.AsClaimed("a-waaaaa")
	share := sharefs.New(dir, sharefstest.WithHook(sharefs.OS(dir), func(op, name string) error {
		if !undone && op == "open" && strings.HasSuffix(name, ".json") { // between the move and what makes it durable
			undone = true
			return os.Rename(dir+"/"+c.Result(), dir+"/"+c.Partial())
		}
		return nil
	}))
	require.NoError(t, share.MkdirAll(pipeline.DoneOf(c.Job)))
	require.NoError(t, share.Create(c.Partial(), []byte("frames")))
	w := New(Options{FS: share, Node: "a-waaaaa", Slots: 1, Log: quiet()})
	require.NoError(t, w.store(t.Context(), &Task{File: c}, c.Partial(), []byte("{}")))
	require.True(t, undone)
	text, err := share.Read(c.Result(), 10)
	require.NoError(t, err)
	require.Equal(t, "frames", string(text))
}
