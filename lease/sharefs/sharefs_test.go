package sharefs_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

// TestConformance runs on a local directory, or on the mount that DISTENC_TEST_SHARE names.
func TestConformance(t *testing.T) {
	sharefstest.Run(t, func(t *testing.T) *sharefs.FS {
		share, err := sharefs.Open(testDir(t))
		require.NoError(t, err)
		return share
	})
}

func TestConformanceWithHook(t *testing.T) {
	sharefstest.Run(t, func(t *testing.T) *sharefs.FS {
		dir := testDir(t)
		return sharefs.New(dir, sharefstest.WithHook(sharefs.OS(dir), new(sharefstest.Nth).Hook))
	})
}

func testDir(t *testing.T) string {
	mount := os.Getenv("DISTENC_TEST_SHARE")
	if mount == "" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(mount, "conformance-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestOpenWantsAFolder(t *testing.T) {
	dir := t.TempDir()
	_, err := sharefs.Open(dir + "/missing")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(dir+"/file", nil, 0o600))
	_, err = sharefs.Open(dir + "/file")
	require.ErrorContains(t, err, "not a directory")
}
