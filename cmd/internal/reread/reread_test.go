package reread

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// file is a value that one file holds, which is looked at each time that it is asked for.
type file struct {
	*Value[string]

	t       *testing.T
	name    string
	log     bytes.Buffer
	problem error // what reading fails with
}

func newFile(t *testing.T) *file {
	t.Helper()
	f := &file{t: t, name: filepath.Join(t.TempDir(), "file")}
	f.write("one")
	var err error
	f.Value, err = New(slog.New(slog.NewTextHandler(&f.log, nil)), func() (string, error) {
		if f.problem != nil {
			return "", f.problem
		}
		b, err := os.ReadFile(f.name)
		return string(b), err
	}, f.name)
	require.NoError(t, err)
	return f
}

func (f *file) write(text string) {
	f.t.Helper()
	require.NoError(f.t, os.WriteFile(f.name, []byte(text), 0o600))
}

func (f *file) get() (string, error) {
	f.looked = time.Time{}
	return f.Get()
}

func TestAFileThatChanges(t *testing.T) {
	f := newFile(t)
	f.write("second")
	got, err := f.get()
	require.NoError(t, err)
	require.Equal(t, "second", got)
}

// Whoever asks learns that what the file said before may no longer count.
func TestAFileThatIsGone(t *testing.T) {
	f := newFile(t)
	require.NoError(t, os.Remove(f.name))
	for range 3 {
		got, err := f.get()
		require.ErrorIs(t, err, os.ErrNotExist)
		require.Equal(t, "one", got)
		_, err = f.Get() // without another look
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	require.Equal(t, 1, strings.Count(f.log.String(), "level=ERROR"), f.log.String())
	f.write("second")
	got, err := f.get()
	require.NoError(t, err)
	require.Equal(t, "second", got)
}

// An error that passes needs no other change of the file, or to be told of more than once.
func TestAnErrorThatPasses(t *testing.T) {
	f := newFile(t)
	f.problem = errors.New("too many open files")
	f.write("second")
	for range 3 {
		_, err := f.get()
		require.ErrorIs(t, err, f.problem)
	}
	require.Equal(t, 1, strings.Count(f.log.String(), "too many open files"))
	f.problem = nil
	got, err := f.get()
	require.NoError(t, err)
	require.Equal(t, "second", got)
}

// The file is as it was before again, after a look at which it was not there.
func TestAFileThatIsBack(t *testing.T) {
	f := newFile(t)
	require.NoError(t, os.Rename(f.name, f.name+".away"))
	_, err := f.get()
	require.Error(t, err)
	require.NoError(t, os.Rename(f.name+".away", f.name))
	got, err := f.get()
	require.NoError(t, err)
	require.Equal(t, "one", got)
}
