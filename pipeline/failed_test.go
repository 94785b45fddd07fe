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
		dst, err := Reject{Source: "film.mkv", Sidecar: SidecarBeside("film.mkv"), Inbox: "film.mkv", Reason: "It is damaged."}.PutAside(t.Context(), share)
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
	_, err := Reject{Source: "gone.mkv", Inbox: "gone.mkv", Reason: "It is damaged."}.PutAside(t.Context(), sharefs.New(root, sharefs.OS(root)))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoDirExists(t, filepath.Join(root, "failed/gone.mkv"))
}

// Another user's source can't be linked and is moved. Where it was nothing is removed, for the file server can
// undo a move.
func TestAMovedSourceIsNotRemoved(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"inbox", "failed/film.mkv"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	source := "failed/film.mkv/film.mkv"
	require.NoError(t, os.WriteFile(filepath.Join(root, source), nil, 0o600))
	share := sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
		if op == "link" {
			return syscall.EPERM
		}
		require.False(t, op == "unlink" && name == source, "%s %s", op, name)
		return nil
	}))
	name, err := BackToInbox(t.Context(), share, source, "film.mkv")
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(root, name))
	require.NoDirExists(t, filepath.Join(root, "failed/film.mkv"))
}

// Who tries a source again and dies between the link and the removal leaves it two names, which nobody takes
// (hard links). Trying once more must not make a third, whichever name it got and whatever came meanwhile.
func TestBackToInboxGoesOnWhereItWasCutOff(t *testing.T) {
	for _, linked := range []string{"film.mkv", "film (2).mkv"} {
		root := t.TempDir()
		for _, dir := range []string{"inbox", "failed/film.mkv"} {
			require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
		}
		source := filepath.Join(root, "failed/film.mkv/film.mkv")
		require.NoError(t, os.WriteFile(source, nil, 0o600))
		require.NoError(t, os.Link(source, filepath.Join(root, "inbox", linked)))
		share := sharefs.New(root, sharefs.OS(root))
		from, inbox, err := FailedSource(share, "film.mkv")
		require.NoError(t, err)
		name, err := BackToInbox(t.Context(), share, from, inbox)
		require.NoError(t, err)
		require.Equal(t, "inbox/"+linked, name)
		names, err := share.List("inbox")
		require.NoError(t, err)
		require.Equal(t, []string{linked}, names)
		require.NoDirExists(t, filepath.Join(root, "failed/film.mkv"))
	}
}

// A link whose answer was lost, and that can't be looked at, may be there all the same: without its settings the
// film would be encoded with others.
func TestALinkOfUncertainOutcomeKeepsItsSettings(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"inbox", "failed/film.mkv"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	source, away := "failed/film.mkv/film.mkv", false
	for _, name := range []string{source, SidecarBeside(source)} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(path.Base(name)), 0o600))
	}
	share := sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
		switch {
		case op == "link" && name == source+" -> inbox/film.mkv":
			away = true
			return sharefstest.AnswerLost(syscall.EIO)
		case op == "open" && name == "inbox/film.mkv" && away:
			return syscall.EIO
		}
		return nil
	}))
	_, err := BackToInbox(t.Context(), share, source, "film.mkv")
	require.ErrorIs(t, err, syscall.EIO)
	require.FileExists(t, filepath.Join(root, "inbox/film.mkv"))
	require.FileExists(t, filepath.Join(root, SidecarBeside("inbox/film.mkv")))
	away = false
	name, err := BackToInbox(t.Context(), share, source, "film.mkv")
	require.NoError(t, err)
	require.Equal(t, "inbox/film.mkv", name)
	require.FileExists(t, filepath.Join(root, SidecarBeside("inbox/film.mkv")))
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
