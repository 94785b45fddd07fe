package merge

import (
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// What was written ahead is taken for the results that it was written of, as they were accepted, and for nothing else.
func TestAhead(t *testing.T) {
	j := encode(t, fansub(t, t.TempDir()), containerMKV)
	var err error
	j.req.Prepared, err = Prepare(t.Context(), j.tools, j.req)
	require.NoError(t, err)
	j.req.Sums, err = checkResults(t.Context(), j.tools, j.req)
	require.NoError(t, err)
	written := func() os.FileInfo {
		info, err := os.Stat(j.req.Out)
		require.NoError(t, err)
		return info
	}
	require.False(t, j.req.Prepared.Joined(j.req.Results))
	require.NoError(t, Ahead(t.Context(), j.tools, j.req))
	require.True(t, j.req.Prepared.Joined(j.req.Results))
	other := append([]string{j.req.Results[0] + ".other"}, j.req.Results[1:]...)
	require.False(t, j.req.Prepared.Joined(other), "another result of the chunk was accepted")

	ahead := written()
	j.req.Joined = true
	out, err := Merge(t.Context(), j.tools, j.req)
	require.NoError(t, err)
	require.True(t, out.Report.OK())
	require.Equal(t, ahead.ModTime(), written().ModTime(), "it is written once")

	j.req.Prepared.withoutRest(j.req.Source) // a merge that fails with it is made once more
	second := j.req.Results[1]
	whole, err := os.ReadFile(second)
	require.NoError(t, err)
	spoilt := slices.Clone(whole)
	spoilt[len(spoilt)/2] ^= 1
	require.NoError(t, os.WriteFile(second, spoilt, 0o600))
	require.NoError(t, Ahead(t.Context(), j.tools, j.req), "nobody has looked at it yet")
	require.NoError(t, os.WriteFile(second, whole, 0o600))
	_, err = Merge(t.Context(), j.tools, j.req)
	require.ErrorContains(t, err, "cannot accept the merged file")
	j.req.Joined = false
	_, err = Merge(t.Context(), j.tools, j.req)
	require.NoError(t, err)
}
