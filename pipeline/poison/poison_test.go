package poison

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

// newShare returns an empty share in a temporary folder.
func newShare(t *testing.T) *sharefs.FS {
	t.Helper()
	f, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, f.MkdirAll(dir))
	}
	return f
}

func TestPoison(t *testing.T) {
	fail := func(weight float64, nodes ...string) (out []pipeline.Failure) {
		for _, n := range nodes {
			out = append(out, pipeline.Failure{Attempted: pipeline.Attempted{Node: n}, Weight: weight})
		}
		return out
	}
	alone, twoHosts, twoHere := Crew{1, 1}, Crew{2, 2}, Crew{Nodes: 2, Machines: 1}
	require.False(t, poison(fail(1, "a-w1", "b-w2"), 3, twoHosts), "two failures")
	require.True(t, poison(fail(1, "a-w1", "b-w2", "a-w1"), 3, twoHosts), "three on two hosts")
	require.False(t, poison(fail(1, "a-w1", "a-w2", "a-w3"), 3, twoHosts),
		"three on one host of two: the host may be at fault")
	require.True(t, poison(fail(1, "a-w1", "a-w1", "a-w1"), 3, alone), "three on the only node")
	require.True(t, poison(fail(1, "a-w1", "a-w2", "a-w3", "a-w4", "a-w5"), 3, twoHosts), "five anywhere")
	require.False(t, poison(fail(0.5, "a-w1", "b-w1", "c-w1", "d-w1", "e-w1"), 3, Crew{5, 5}), "expiries count half")
	require.False(t, poison(fail(1, "a-w1", "a-w1", "a-w1"), 3, twoHere),
		"three on one node of two: the other may be healthy")
	require.True(t, poison(fail(1, "a-w1", "a-w2", "a-w1"), 3, twoHere), "three on both")
}

// Clones have one host name, and are told by their boots.
func TestMachinesOfOneName(t *testing.T) {
	on := func(machine string) pipeline.Failure {
		return pipeline.Failure{Attempted: pipeline.Attempted{Node: "pc-w1"}, Machine: machine, Weight: 1}
	}
	require.False(t, poison([]pipeline.Failure{on("x"), on("x"), on("x")}, 3, Crew{2, 2}))
	require.True(t, poison([]pipeline.Failure{on("x"), on("y"), on("x")}, 3, Crew{2, 2}))
	require.False(t, poison([]pipeline.Failure{on("x"), on(""), on("x")}, 3, Crew{2, 2}),
		"the one that nobody knows may be the same")
}

func TestWhoIsHere(t *testing.T) {
	f := newShare(t)
	for _, n := range []pipeline.Node{
		{Node: "pc-waaaaa", Hardware: pipeline.Hardware{Host: "pc", Machine: "x"}},
		{Node: "pc-wbbbbb", Hardware: pipeline.Hardware{Host: "pc", Machine: "y"}},
		{Node: "pc-wccccc", Hardware: pipeline.Hardware{Host: "pc", Machine: "y"}},
	} {
		require.NoError(t, n.Write(f))
	}
	here, err := Here(f, time.Hour)
	require.NoError(t, err)
	require.Equal(t, Crew{Nodes: 3, Machines: 2}, here)
	c := pipeline.ChunkFile{Job: "abcdef01-abcde", Attempt: 1, Kind: pipeline.KindRange}.AsClaimed("pc-wbbbbb")
	require.NoError(t, f.MkdirAll(pipeline.LogDir(c.Job)))
	require.NoError(t, pipeline.Failure{By: "nas-maaaaa", Weight: 1}.Report(f, c))
	told, err := pipeline.Failures(f, c)
	require.NoError(t, err)
	require.Equal(t, "y", told[0].Machine)
}

// Where nobody can tell who is there nothing is set aside: a listing that fails is not one host.
func TestInDoubtNothingIsSetAside(t *testing.T) {
	root := newShare(t).Root()
	for _, broken := range []string{pipeline.Nodes, pipeline.Nodes + "/good-waaaaa.json"} {
		fails := true
		f := sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(_, name string) error {
			if fails && name == broken {
				return syscall.ETIMEDOUT
			}
			return nil
		}))
		c := pipeline.ChunkFile{Job: pipeline.NewJobID("ABCDEF01"), Attempt: 4, Kind: pipeline.KindRange,
			Nonce: pipeline.Nonce(8), State: pipeline.Pending}
		require.NoError(t, f.MkdirAll(pipeline.LogDir(c.Job)))
		require.NoError(t, f.MkdirAll(pipeline.PendingOf(c.Job)))
		require.NoError(t, f.Create(c.Path(), nil))
		fails = false
		for _, n := range []string{"bad-waaaaa", "good-waaaaa"} {
			require.NoError(t, (&pipeline.Node{Node: n, Hardware: pipeline.Hardware{Host: pipeline.NodeHost(n)}}).Write(f))
		}
		for attempt := range 3 {
			c.Attempt = attempt + 1
			require.NoError(t, pipeline.Failure{By: "bad-waaaaa", Weight: pipeline.WeightFailed}.Report(f,
				c.AsClaimed("bad-waaaaa")))
		}
		c.Attempt, fails = 4, true
		out, _, err := SetAside(t.Context(), f, c, 3, time.Hour)
		require.ErrorIs(t, err, syscall.ETIMEDOUT)
		require.Equal(t, sharefs.Unknown, out)
		fails = false
		out, _, err = SetAside(t.Context(), f, c, 3, time.Hour)
		require.NoError(t, err, "all failures were on one of two")
		require.Equal(t, sharefs.Unknown, out)
	}
}

// What failed before a retry does not count, and what failed after it does, also of a copy of the chunk that has
// lower attempts.
func TestRetryForgivesWhatWasBefore(t *testing.T) {
	f := newShare(t)
	j := &pipeline.Job{ID: pipeline.NewJobID("ABCDEF01"), Inbox: "a.mkv", Source: "source.mkv"}
	require.NoError(t, j.Create(f))
	fail := func(attempt int, node string, retry bool) {
		r := pipeline.Failure{By: node, Weight: pipeline.WeightFailed, Retry: retry}
		if retry {
			r.Weight = 0
		}
		require.NoError(t, r.Report(f, pipeline.ChunkFile{Job: j.ID, Chunk: 1, Attempt: attempt,
			Kind: pipeline.KindRange}.AsClaimed(node)))
	}
	bad := func() bool {
		all, err := pipeline.Failures(f, pipeline.ChunkFile{Job: j.ID, Chunk: 1})
		require.NoError(t, err)
		return poison(all, 3, Crew{2, 2})
	}
	for n := range 3 {
		fail(7+n, fmt.Sprintf("pc%d-w1", n), false)
	}
	require.True(t, bad())
	fail(10, "nas-m1", true)
	require.False(t, bad())
	for n := range 3 {
		require.False(t, bad())
		fail(2+n, fmt.Sprintf("pc%d-w1", n), false)
	}
	require.True(t, bad())
}
