package master

import (
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// A result on the share is taken for no other than the one whose CRC its worker wrote down: whichever bit
// flips, and wherever it was cut off.
func TestCheckReadsEveryByte(t *testing.T) {
	root := t.TempDir()
	stages := Media{FS: sharefs.New(root, sharefs.OS(root))}
	chunk := pipeline.ChunkFile{Job: "abcdef01-k3f9z", Kind: pipeline.KindRange}.AsPending(1).AsClaimed("pc1-w12345").In(pipeline.Committed)
	require.NoError(t, stages.FS.MkdirAll(pipeline.DoneOf(chunk.Job)))
	const block = 1 << 20
	whole := slices.Repeat([]byte("an encoded chunk"), 3*block/32)
	record := &pipeline.Record{CRC32: fmt.Sprintf("%08X", crc32.ChecksumIEEE(whole)), Size: int64(len(whole))}
	plan := &pipeline.Plan{Chunks: make([]pipeline.Chunk, 1)}
	check := func(content []byte) error {
		require.NoError(t, os.WriteFile(stages.FS.Path(chunk.Result()), content, 0o600))
		return stages.Check(t.Context(), plan, chunk, record, true)
	}
	require.NotContains(t, check(whole).Error(), "CRC-32", "what is no video is found out later")
	for _, at := range []int{0, block - 1, block, len(whole) - 1} {
		flipped := slices.Clone(whole)
		flipped[at] ^= 1 << 5
		require.ErrorContains(t, check(flipped), "the result's CRC-32 is", at)
		require.ErrorContains(t, check(whole[:at]), "the result's CRC-32 is", at)
	}
	require.NoError(t, os.Remove(stages.FS.Path(chunk.Result())))
	require.True(t, passing(stages.Check(t.Context(), plan, chunk, record, true)), "a result that is not there is not a bad one")
}
