package pipeline

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

// A rejected source's way to failed/ whose answer was lost, and the listings after it: the reason must not be
// taken away from beside it.
func TestNoSourceInFailedWithoutItsReason(t *testing.T) {
	for listingsFail := range 3 {
		root, fails := t.TempDir(), 0
		require.NoError(t, os.MkdirAll(filepath.Join(root, "failed"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, "film.mkv"), nil, 0o600))
		share := sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
			switch {
			case op == "rename" && strings.HasPrefix(name, "film.mkv ->"):
				fails = listingsFail
				return sharefstest.AnswerLost(syscall.ENOENT)
			case op == "readdir" && fails > 0:
				fails--
				return syscall.EIO
			}
			return nil
		}))
		dst, err := Reject{Source: "film.mkv", Sidecar: SidecarBeside("film.mkv"), Inbox: "film.mkv",
			Reason: "It is damaged."}.PutAside(t.Context(), share)
		require.FileExists(t, filepath.Join(root, "failed/film.mkv/film.mkv"))
		require.FileExists(t, filepath.Join(root, "failed/film.mkv/reason.txt"))
		if listingsFail < 2 {
			require.NoError(t, err)
			require.Equal(t, path.Join("failed", "film.mkv", "film.mkv"), string(dst))
		} else {
			require.ErrorIs(t, err, syscall.EIO)
		}
	}
}

func TestNoFolderInFailedForASourceThatStayed(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "failed"), 0o755))
	_, err := Reject{Source: "gone.mkv", Inbox: "gone.mkv", Reason: "It is damaged."}.PutAside(t.Context(),
		sharefs.New(root, sharefs.OS(root)))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoDirExists(t, filepath.Join(root, "failed/gone.mkv"))
}

func TestTheSearchForAFreeNameEnds(t *testing.T) {
	tried := 0
	taken := func(int) (bool, error) { tried++; return false, nil }
	require.ErrorContains(t, FirstFree(t.Context(), taken), "no name is free")
	require.Equal(t, maxNumber, tried)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, FirstFree(over, taken), context.Canceled)
	require.Equal(t, maxNumber, tried)
}
