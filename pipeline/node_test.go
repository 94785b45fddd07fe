package pipeline

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// A node's word that can't be true is no word: one calculates with it.
func TestANodesFileIsItsOwnAndPlausible(t *testing.T) {
	fs := newShare(t)
	name, other := "a-waaaaa", "b-wbbbbb"
	for _, c := range []struct {
		node Node
		good bool
	}{
		{Node{Node: name, Hardware: Hardware{Slots: 1}, Speed: map[string]Speed{"j": {Frames: 1, Seconds: 1}}}, true},
		{Node{Node: name, Hardware: Hardware{Slots: 1}, Speed: map[string]Speed{"j": {Frames: 1, Seconds: -1}}}, false},
		{Node{Node: name, Hardware: Hardware{Slots: 1}, Chunks: map[string]Encoding{"j.00000": {Total: 1, FPS: 1e300}}},
			false},
	} {
		require.NoError(t, c.node.Write(fs))
		_, err := LoadNode(fs, name)
		require.Equal(t, c.good, err == nil, "%v", err)
		require.NoError(t, os.Rename(fs.Path(nodeFile(name)), fs.Path(nodeFile(other))))
		_, err = LoadNode(fs, other)
		require.Error(t, err, "another node's")
	}
}
