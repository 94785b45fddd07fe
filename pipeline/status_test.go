package pipeline

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
)

// testShare is a share with the folders that a status is read from.
func testShare(t *testing.T) *sharefs.FS {
	t.Helper()
	fs, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range Folders() {
		require.NoError(t, fs.MkdirAll(dir))
	}
	require.NoError(t, (&ClusterInfo{Share: "s", Heartbeat: "10s", Expiry: "2m0s"}).Write(fs))
	return fs
}

// A node that missed a few heartbeats counts for nothing, long before its work is given to others.
func TestASilentNodeCountsForNothing(t *testing.T) {
	fs := testShare(t)
	job, chunk := "0badcafe-aaaaa", "0badcafe-aaaaa.00000"
	lost := "0badcafe-aaaaa.00001" // the last word of the silent one, but given to others since
	for name, age := range map[string]time.Duration{"a-waaaaa": 5 * time.Second, "b-wbbbbb": 40 * time.Second} {
		n := Node{Node: name, Host: NodeHost(name), Slots: 1, State: NodeEncoding, FPS: 5, Jobs: map[string]float64{job: 5}, Chunks: map[string]Encoding{chunk: {}, lost: {}}}
		require.NoError(t, n.Write(fs))
		then := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(fs.Path(nodeFile(name)), then, then))
	}
	claim := ChunkFile{Job: job, Attempt: 1, Node: "b-wbbbbb", Nonce: "abcdefgh", Kind: KindRange, State: Claimed}
	require.NoError(t, os.WriteFile(fs.Path(claim.Path()), nil, 0o600))
	s, err := ReadStatus(fs, nil)
	require.NoError(t, err)
	require.Equal(t, NodeEncoding, s.Nodes[0].State)
	require.Equal(t, []string{chunk}, s.Nodes[1].Chunks)
	require.InDelta(t, 5, s.Nodes[0].FPS, 0)
	require.Equal(t, NodeSilent, s.Nodes[1].State)
	require.Zero(t, s.Nodes[1].FPS)
	require.Contains(t, s.Nodes[1].Why, "goes to others after 2m0s of silence")
	require.GreaterOrEqual(t, s.Nodes[1].Seen, 40)

	require.NoError(t, fs.Remove(claim.Path()))
	s, err = ReadStatus(fs, nil)
	require.NoError(t, err)
	require.Empty(t, s.Nodes[1].Chunks)
	require.NotContains(t, s.Nodes[1].Why, "goes to others")
}

// A node's word that can't be true is no word: one calculates with it.
func TestANodesFileIsItsOwnAndPlausible(t *testing.T) {
	fs := testShare(t)
	name, other := "a-waaaaa", "b-wbbbbb"
	for _, c := range []struct {
		node Node
		good bool
	}{
		{Node{Node: name, Slots: 1, Speed: map[string]Speed{"j": {Frames: 1, Seconds: 1}}}, true},
		{Node{Node: name, Slots: 1, Speed: map[string]Speed{"j": {Frames: 1, Seconds: -1}}}, false},
		{Node{Node: name, Slots: 1, Chunks: map[string]Encoding{"j.00000": {Total: 1, FPS: 1e300}}}, false},
	} {
		require.NoError(t, c.node.Write(fs))
		_, err := LoadNode(fs, name)
		require.Equal(t, c.good, err == nil, "%v", err)
		require.NoError(t, os.Rename(fs.Path(nodeFile(name)), fs.Path(nodeFile(other))))
		_, err = LoadNode(fs, other)
		require.Error(t, err, "another node's")
	}
}

// What was handed back is no retry, and an attempt that two masters reported is one.
func TestRetriesAreWhatCameToNothing(t *testing.T) {
	fs := testShare(t)
	id := NewJobID("00000001")
	require.NoError(t, (&Job{ID: id, Inbox: "film.mkv", Source: "source.mkv"}).Create(fs))
	c := ChunkFile{Job: id, Chunk: 3, Attempt: 1, Node: "a-waaaaa", Nonce: "abcdefgh", Kind: KindRange, State: Claimed}
	report := func(attempt int, f Failure) {
		c.Attempt = attempt
		require.NoError(t, f.Report(fs, c))
	}
	report(1, Failure{By: "m1", Weight: WeightExpired})
	report(1, Failure{By: "m2", Weight: WeightExpired})
	report(2, Failure{By: "a-waaaaa", Weight: WeightFailed})
	report(3, Failure{By: "m1", Retry: true})
	j, err := ReadJob(fs, id)
	require.NoError(t, err)
	require.Equal(t, 2, j.Retries)
	require.Len(t, j.Failures, 4)

	b, err := json.Marshal(Closed{Act: ActCancelled, Reason: "x"})
	require.NoError(t, err)
	_, err = Decide(fs, id, Decision{Act: ActCancelled})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(fs.Root(), JobFile(id, ClosedName)), b, 0o644))
	j, err = ReadJob(fs, id)
	require.NoError(t, err)
	require.Equal(t, 2, j.Retries, "a job that has ended still tells")
}
