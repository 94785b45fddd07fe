package status

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// What is asked of a machine stands with all nodes there, before they have heard of it. A state can be read without.
func TestNodesTellWhatIsAskedOfTheirMachine(t *testing.T) {
	fs := testShare(t)
	for _, node := range []string{"desk-5-wabcde", "desk-5-wfghij", "desk-51-waaaaa"} {
		require.NoError(t, (&pipeline.Node{Node: node}).Write(fs))
	}
	asked := func() (all []*pipeline.Rest) {
		s, err := NewReader(fs, nil, 0).Read(t.Context())
		require.NoError(t, err)
		require.Len(t, s.Nodes, 3)
		for _, n := range s.Nodes {
			all = append(all, n.Asked)
		}
		return all
	}
	require.Equal(t, []*pipeline.Rest{nil, nil, nil}, asked())
	require.NoError(t, (&pipeline.Rest{Host: "desk-5", By: "anna\u202e", Now: true}).Write(fs))
	rest := &pipeline.Rest{Host: "desk-5", By: "anna%E2%80%AE", Now: true}
	require.Equal(t, []*pipeline.Rest{rest, rest, nil}, asked())
	require.NoError(t, pipeline.WithdrawRest(fs, "desk-5"))
	require.Equal(t, []*pipeline.Rest{nil, nil, nil}, asked())

	absent := &pipeline.Rest{Host: "attic-1", By: "anna"}
	require.NoError(t, absent.Write(fs))
	s, err := NewReader(fs, nil, 0).Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, []*pipeline.Rest{absent}, s.Resting)
	require.NoError(t, pipeline.WithdrawRest(fs, "attic-1"))

	require.NoError(t, os.Remove(fs.Path(pipeline.RestDir)))
	require.NoError(t, fs.Create(pipeline.RestDir, nil))
	require.Equal(t, []*pipeline.Rest{nil, nil, nil}, asked(), "no folder that can be listed")
}
