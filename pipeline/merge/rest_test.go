package merge

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheRestStandsForTheSource: what is kept of a source is read once, before the merge.
func TestTheRestStandsForTheSource(t *testing.T) {
	j := encode(t, fansub(t, t.TempDir()), containerMKV)
	var err error
	j.req.Prepared, err = Prepare(t.Context(), j.tools, j.req)
	require.NoError(t, err)
	rest := j.req.Prepared.rest
	require.NotEmpty(t, rest)
	whole, err := os.ReadFile(j.req.Source)
	require.NoError(t, err)
	small, err := os.ReadFile(rest)
	require.NoError(t, err)
	require.Less(t, len(small), len(whole))

	require.NoError(t, os.WriteFile(j.req.Source, nil, 0o600))
	out, err := Merge(t.Context(), j.tools, j.req)
	require.NoError(t, err, "the source is not read again")
	require.True(t, out.Report.OK())
	require.Equal(t, rest, j.req.Prepared.rest)

	require.NoError(t, os.WriteFile(j.req.Source, whole, 0o600))
	small[len(small)*2/3] ^= 0x40
	for _, damaged := range [][]byte{nil, small} {
		require.NoError(t, os.WriteFile(rest, damaged, 0o600))
		j.req.Prepared.rest, j.req.Prepared.side.path = rest, rest
		out, err = Merge(t.Context(), j.tools, j.req)
		require.NoError(t, err, "then the source itself counts")
		require.True(t, out.Report.OK())
		require.Empty(t, j.req.Prepared.rest)
		info, err := os.Stat(rest)
		require.NoError(t, err)
		require.Zero(t, info.Size(), "a full disk needs the room")
	}
}
