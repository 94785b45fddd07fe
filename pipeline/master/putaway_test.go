package master

import (
	"io/fs"
	"os"
	"path"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// A name that a power loss of the file server can take back is no reason to remove a source, whatever it was that kept
// the name from being made durable.
func TestASourceStaysUntilItsOutputIsDurable(t *testing.T) {
	denied := true
	m := leading(t, func(root string) sharefs.Ops { return readOnly{sharefs.OS(root), "film.mkv", &denied} })
	j := planted(t, m, "film")
	j.Settings.Disposal = pipeline.DeleteSource
	published(t, m, j)
	_, err := m.taskFor(j).carryOut(t.Context(), false)
	require.ErrorIs(t, err, syscall.EACCES)
	require.Equal(t, "film", text(t, m, pipeline.JobFile(j.ID, j.Source)))
	denied = false
	_, err = m.taskFor(j).carryOut(t.Context(), false)
	require.NoError(t, err)
	names, err := m.FS.List(pipeline.Archive)
	require.NoError(t, err)
	require.Empty(t, names)
}

// What was written down of an output, and could not be made durable, is made so before anything is removed that it
// would have to be written from again.
func TestWhatWasPublishedIsDurableBeforeTheSweep(t *testing.T) {
	denied := true
	m := leading(t, func(root string) sharefs.Ops { return readOnly{sharefs.OS(root), pipeline.PublishedName, &denied} })
	j := planted(t, m, "film")
	published(t, m, j)
	for range 2 { // at the second one it is there already
		_, err := m.taskFor(j).carryOut(t.Context(), false)
		require.ErrorIs(t, err, syscall.EACCES)
		require.Equal(t, "film", text(t, m, pipeline.JobFile(j.ID, j.Source)))
		outputs, err := m.FS.List(pipeline.OutOf(j.ID))
		require.NoError(t, err)
		require.NotEmpty(t, outputs)
	}
	denied = false
	_, err := m.taskFor(j).carryOut(t.Context(), false)
	require.NoError(t, err)
}

// readOnly is a share on which, while it is so, files of a name can't be written to.
type readOnly struct {
	sharefs.Ops
	base string
	on   *bool
}

func (r readOnly) OpenFile(name string, flag int, perm fs.FileMode) (sharefs.File, error) {
	if *r.on && flag&os.O_RDWR != 0 && path.Base(name) == r.base {
		return nil, syscall.EACCES
	}
	return r.Ops.OpenFile(name, flag, perm)
}

// With source = "delete" a source that was changed after the decision is somebody's only copy.
func TestASourceThatChangedIsNotDeleted(t *testing.T) {
	m := leading(t, sharefs.OS)
	j := planted(t, m, "film")
	j.Settings.Disposal = "delete"
	published(t, m, j)
	file := m.FS.Path(pipeline.JobFile(j.ID, j.Source))
	require.NoError(t, os.WriteFile(file, []byte("film, now whole"), 0o600))
	_, err := m.taskFor(j).carryOut(t.Context(), false)
	require.NoError(t, err)
	require.Equal(t, "film, now whole", text(t, m, "inbox/film.mkv"))
	require.Equal(t, "output", text(t, m, "outbox/film.mkv"))
}

// Before a source is removed all of it is read once more: one that looks as it did may hold something else.
func TestASourceIsReadOnceMoreBeforeItIsDeleted(t *testing.T) {
	m := leading(t, sharefs.OS)
	j := planted(t, m, "film")
	j.Settings.Disposal = "delete"
	published(t, m, j)
	name := pipeline.JobFile(j.ID, j.Source)
	require.NoError(t, os.WriteFile(m.FS.Path(name), []byte("FILM"), 0o600))
	require.NoError(t, os.Chtimes(m.FS.Path(name), time.Time{}, j.ModTime))
	st, err := m.FS.Stat(name)
	require.NoError(t, err)
	now := identityOf(st)
	j.sighted = &now
	_, err = m.taskFor(j).carryOut(t.Context(), false)
	require.NoError(t, err)
	require.Equal(t, "FILM", text(t, m, "inbox/film.mkv"))
}

func TestASourceIsDeletedWhereThatIsWanted(t *testing.T) {
	m := leading(t, sharefs.OS)
	j := planted(t, m, "film")
	j.Settings.Disposal = "delete"
	published(t, m, j)
	_, err := m.taskFor(j).carryOut(t.Context(), false)
	require.NoError(t, err)
	left, err := m.FS.List(pipeline.Archive)
	require.NoError(t, err)
	require.Empty(t, left)
}
