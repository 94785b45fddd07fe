package steer

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

// Another user's source can't be linked and is moved, with its settings and nobody else's. Where it was nothing is
// removed, for the file server can undo a move.
func TestAMovedSourceIsNotRemoved(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"inbox", "failed/film.mkv"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	source := "failed/film.mkv/film.mkv"
	for _, name := range []string{source, pipeline.SidecarBeside(source)} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(path.Base(name)), 0o600))
	}
	share := sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
		if op == "link" && strings.HasPrefix(name, source+" ") {
			return syscall.EPERM
		}
		require.False(t, op == "unlink" && name == source, "%s %s", op, name)
		return nil
	}))
	name, err := BackToInbox(t.Context(), share, source, "film.mkv")
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(root, name))
	names, err := share.List("inbox")
	require.NoError(t, err)
	require.Equal(t, []string{path.Base(name), path.Base(pipeline.SidecarBeside(name))}, names, "its settings go with it")
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
		from, inbox, err := pipeline.FailedSource(share, "film.mkv")
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
	for _, name := range []string{source, pipeline.SidecarBeside(source)} {
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
	require.FileExists(t, filepath.Join(root, pipeline.SidecarBeside("inbox/film.mkv")))
	away = false
	name, err := BackToInbox(t.Context(), share, source, "film.mkv")
	require.NoError(t, err)
	require.Equal(t, "inbox/film.mkv", name)
	require.FileExists(t, filepath.Join(root, pipeline.SidecarBeside("inbox/film.mkv")))
}
