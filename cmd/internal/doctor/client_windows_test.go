package doctor

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatTheSMBClientRemembers(t *testing.T) {
	usual := judgeMemories(nil)
	require.Equal(t, Advice, usual.Level)
	require.Equal(t, "DirectoryCacheLifetime is 10 s, FileInfoCacheLifetime is 10 s, FileNotFoundCacheLifetime is 5 s",
		usual.Seen)
	require.Contains(t, usual.Do, "Set-SmbClientConfiguration -DirectoryCacheLifetime 0 -FileInfoCacheLifetime 0 "+
		"-FileNotFoundCacheLifetime 0")
	asked := map[string]uint64{"DirectoryCacheLifetime": 0, "FileInfoCacheLifetime": 0, "FileNotFoundCacheLifetime": 3}
	one := judgeMemories(asked)
	require.Equal(t, "FileNotFoundCacheLifetime is 3 s", one.Seen)
	asked["FileNotFoundCacheLifetime"] = 0
	require.Equal(t, OK, judgeMemories(asked).Level)
	require.Len(t, adviseWay(mount{}, t.TempDir()), 1, "a local disk has no client")
}
