package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

func TestFaultsTellANodeFromAChunk(t *testing.T) {
	var f faults
	now := time.Unix(1000, 0)
	a, b := pipeline.ChunkFile{Job: "a"}, pipeline.ChunkFile{Job: "b"}
	require.False(t, f.failed(a, "crashed"))
	require.False(t, f.failed(a, "crashed"), "a film that fails everywhere is not the node's fault")
	f.encoded("a")
	require.False(t, f.failed(b, "crashed"), "a success of a's was between")
	require.True(t, f.failed(a, "crashed"))
	require.False(t, f.failed(a, "crashed"), "counting begins anew")

	require.False(t, f.leaves(a, now))
	f.leave(a, now.Add(time.Minute))
	require.True(t, f.leaves(a, now))
	require.False(t, f.leaves(b, now))
	words, left := f.said(now)
	require.True(t, left)
	require.Equal(t, "3 encodes failed here since the last success, "+
		"and 1 chunk is left to other nodes for a while: crashed", words)
	words, left = f.said(now.Add(time.Minute))
	require.False(t, left)
	require.Equal(t, "3 encodes failed here since the last success: crashed", words)
	f.encoded("a")
	words, _ = f.said(now)
	require.Empty(t, words)
}

// A node that fails whatever it tries is not idle: it says so.
func TestANodeThatFailsSaysSo(t *testing.T) {
	w := New(Options{})
	state, why := w.idleState(time.Now())
	require.Equal(t, pipeline.NodeIdle, state)
	require.Empty(t, why)
	c := pipeline.ChunkFile{Job: "a"}
	w.faults.failed(c, "ffmpeg: crashed")
	w.faults.leave(c, time.Now().Add(time.Hour))
	state, why = w.idleState(time.Now())
	require.Equal(t, pipeline.NodeResting, state)
	require.Contains(t, why, "ffmpeg: crashed")
}

// A node that fails its first chunk may not have a file of its own yet: that it is alone is told by the others' files.
func TestAChunkIsLeftToOthersIfThereAreAny(t *testing.T) {
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, share.MkdirAll(pipeline.Nodes))
	w := New(Options{FS: share, Node: "a-waaaaa"})
	w.agreed.Store(&agreement{Terms: lease.Terms{Heartbeat: time.Second, Expiry: time.Hour}})
	c := pipeline.ChunkFile{Job: "a"}
	leaves := func() bool {
		w.leave(c, time.Hour)
		return w.faults.leaves(c, time.Now())
	}
	require.False(t, leaves(), "nobody is there")
	require.NoError(t, (&pipeline.Node{Node: w.Node}).Write(share))
	require.False(t, leaves(), "only this node is there")
	require.NoError(t, share.Remove(pipeline.Nodes+"/"+w.Node+".json"))
	require.NoError(t, (&pipeline.Node{Node: "b-wbbbbb"}).Write(share))
	require.True(t, leaves(), "another node is there")
}
