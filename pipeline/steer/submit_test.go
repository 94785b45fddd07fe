//go:build unix

package steer

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

// film is a file of this machine.
func film(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "film.mkv")
	require.NoError(t, os.WriteFile(name, []byte("film"), 0o600))
	return name
}

func inboxOf(t *testing.T, d Desk) []string {
	t.Helper()
	names, err := d.Share.List(pipeline.Inbox)
	require.NoError(t, err)
	return names
}

func TestSubmit(t *testing.T) {
	d, file := testDesk(t), film(t)
	s, err := d.Submit(t.Context(), file, Wishes{Priority: new(3)})
	require.NoError(t, err)
	require.Equal(t, "inbox/film.mkv", s.Name)
	settings, err := d.Share.Read("inbox/film.mkv.distenc.toml", 1000)
	require.NoError(t, err)
	require.Contains(t, string(settings), `"Priority":3`)
	require.Contains(t, string(settings), `"Size":4`)
	require.Equal(t, s.Nonce, asJSON{}.Nonce(settings))

	again, err := d.Submit(t.Context(), file, Wishes{})
	require.NoError(t, err)
	require.Equal(t, "inbox/film (2).mkv", again.Name, "nothing is overwritten")

	place, err := d.Submit(t.Context(), d.Share.Path("inbox/film.mkv"), Wishes{})
	require.NoError(t, err)
	require.Equal(t, s.Name, place.Name)
	require.Len(t, inboxOf(t, d), 4, "it stays where it is")
	settings, err = d.Share.Read("inbox/film.mkv.distenc.toml", 1000)
	require.NoError(t, err)
	require.Contains(t, string(settings), `"Priority":3`)
	require.Equal(t, place.Nonce, asJSON{}.Nonce(settings))
}

// What can't be submitted leaves nothing in the inbox, and wishes are judged before anything is copied.
func TestSubmitRefuses(t *testing.T) {
	d, file := testDesk(t), film(t)
	dir := filepath.Dir(file)
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "fifo.mkv"), 0o600))
	for _, name := range []string{"film.srt", "film.mkv.part"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	for name, says := range map[string]string{
		"gone.mkv": "is the name right?", "": "no regular file", "fifo.mkv": "no regular file",
		"film.mkv.part": "not finished", "film.srt": "goes with one",
	} {
		_, err := d.Submit(t.Context(), filepath.Join(dir, name), Wishes{})
		require.ErrorContains(t, err, says)
		require.ErrorAs(t, err, new(*FileError))
	}
	d.Share = sharefs.New(d.Share.Root(), sharefstest.WithHook(sharefs.OS(d.Share.Root()), func(op, name string) error {
		require.NotContains(t, name, ".distenc-add-", op)
		return nil
	}))
	_, err := d.Submit(t.Context(), file, Wishes{Priority: new(5000)})
	require.ErrorContains(t, err, "must be between")
	require.Empty(t, inboxOf(t, d))
}

// Between the look for a free name and its use a person may have dropped a file of that name.
func TestRevealReplacesNothing(t *testing.T) {
	d := testDesk(t)
	require.NoError(t, d.Share.Create("inbox/film.mkv", []byte("theirs")))
	require.NoError(t, d.Share.Create("inbox/.staged", []byte("ours")))
	err := d.Reveal(Submission{Name: "inbox/film.mkv", Nonce: "n"}, "inbox/.staged", Wishes{})
	require.ErrorContains(t, err, "has just been taken")
	b, err := d.Share.Read("inbox/film.mkv", 100)
	require.NoError(t, err)
	require.Equal(t, "theirs", string(b))
	require.Equal(t, []string{"film.mkv"}, inboxOf(t, d))
}

// A film that a master takes while something is asked of it keeps no settings behind.
func TestAFilmThatIsJustTaken(t *testing.T) {
	d := testDesk(t)
	scenes["waiting"](t, d)
	plain := d.Share
	d.Share = sharefs.New(plain.Root(), sharefstest.WithHook(sharefs.OS(plain.Root()), func(op, name string) error {
		if op == "rename" { // the new settings come: the film went
			return os.Rename(plain.Path("inbox/film.mkv"), plain.Path("jobs/film.mkv"))
		}
		return nil
	}))
	_, err := d.Pause(t.Context(), "film.mkv", false)
	require.Equal(t, &Error{Kind: Busy, text: "film.mkv is just being taken in; give the command again in a moment"}, err)
	require.Empty(t, inboxOf(t, d))
}

func TestRefused(t *testing.T) {
	d := testDesk(t)
	s, err := d.Submit(t.Context(), film(t), Wishes{})
	require.NoError(t, err)
	require.Nil(t, d.Refused(s))
	putAside(t, d, s.Name)
	require.Equal(t, "r", d.Refused(s).Reason)
	require.Nil(t, d.Refused(NewSubmission(s.Name)), "another one's of that name")
}

// A film with an old date of its own is not swept as what nobody goes on with: it gets the date after its name.
func TestTheDateComesAfterTheName(t *testing.T) {
	d, file := testDesk(t), film(t)
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	require.NoError(t, os.Chtimes(file, old, old))
	plain := d.Share
	d.Share = sharefs.New(plain.Root(), sharefstest.WithHook(sharefs.OS(plain.Root()), func(op, name string) error {
		if staged, _, _ := strings.Cut(name, " -> "); op == "link" {
			info, err := plain.Stat(staged)
			require.NoError(t, err)
			require.NotEqual(t, old, info.ModTime().UTC())
		}
		return nil
	}))
	s, err := d.Submit(t.Context(), file, Wishes{KeepDate: true})
	require.NoError(t, err)
	require.NoError(t, s.Undated)
	info, err := plain.Stat(s.Name)
	require.NoError(t, err)
	require.Equal(t, old, info.ModTime().UTC())
	require.EqualValues(t, 1, sharefs.Links(info))
}
