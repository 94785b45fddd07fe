package master

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

// publishedFilm is a master that has published the film of the folder "Show", on a share where a link of a file in the
// inbox is denied as another user's is.
func publishedFilm(t *testing.T) (m *term, look func() string) {
	t.Helper()
	m = newMaster(t, nil)
	m.FS = sharefs.New(m.FS.Root(), sharefstest.WithHook(sharefs.OS(m.FS.Root()), func(op, name string) error {
		if op == "link" && strings.HasPrefix(name, "inbox/") {
			return syscall.EPERM
		}
		return nil
	}))
	m.inbox = newInbox(m.FS)
	j := &pipeline.Job{ID: "abcdef01-k3f9z", Inbox: "Show/film.mkv", Settings: pipeline.Settings{Dates: true}}
	require.NoError(t, m.FS.MkdirAll(pipeline.JobDir(j.ID)))
	require.NoError(t, m.FS.MkdirAll("outbox/Show"))
	published := []byte(`{"output":"Show/film (2).mkv"}`)
	require.NoError(t, m.FS.Create(pipeline.JobFile(j.ID, pipeline.PublishedName), published))
	m.jobs.films.ended(j, true)
	return m, func() string { // what is said of film.srt once nothing goes on any more
		for {
			_, err := m.lookAtInbox(t.Context())
			require.NoError(t, err)
			if m.tasks.idle() {
				return pipeline.LoadLeftAlone(m.FS)["Show/film.srt"]
			}
			(<-m.tasks.results)()
		}
	}
}

func readText(t *testing.T, m *term, name string) string {
	t.Helper()
	b, err := m.FS.Read(name, 1<<20)
	require.NoError(t, err)
	return string(b)
}

// What may not be linked is copied, and leaves the inbox only when the outbox has its very content: one that was
// brought, and has changed since, comes as another one.
func TestACompanionIsCopiedWhereItMayNotBeLinked(t *testing.T) {
	m, look := publishedFilm(t)
	sparse(t, m, "Show/film.srt", 5)
	date := time.Date(2019, 5, 4, 3, 2, 1, 0, time.UTC)
	require.NoError(t, os.Chtimes(m.FS.Path("inbox/Show/film.srt"), date, date))
	require.NoError(t, m.FS.Create("outbox/Show/film (2).srt", []byte("older")))
	require.Empty(t, look())
	copied, err := m.FS.Stat("outbox/Show/film (2) (2).srt")
	require.NoError(t, err)
	require.Equal(t, date, copied.ModTime().UTC(), "where dates are kept")
	require.Equal(t, "older", readText(t, m, "outbox/Show/film (2).srt"), "nothing is overwritten")
	require.Equal(t, "\x00\x00\x00\x00\x00", readText(t, m, "outbox/Show/film (2) (2).srt"))
	require.NoFileExists(t, m.FS.Path("inbox/Show/film.srt"))

	sparse(t, m, "Show/film.srt", 5) // as one that was brought before its master died
	require.Empty(t, look())
	require.NoFileExists(t, m.FS.Path("inbox/Show/film.srt"))
	names, err := m.FS.List("outbox/Show")
	require.NoError(t, err)
	require.Len(t, names, 2, "it was there already: %q", names)
	names, err = m.FS.List(pipeline.JobDir("abcdef01-k3f9z"))
	require.NoError(t, err)
	require.Equal(t, []string{pipeline.PublishedName}, names, "nothing is left over")
}

// A huge companion fills no disk with copies, and one that has another name is not let out: both stay, with the reason.
func TestHostileCompanionsStay(t *testing.T) {
	m, look := publishedFilm(t)
	sparse(t, m, "Show/film.srt", 15<<40)
	require.Contains(t, look(), "too large to be copied")
	require.FileExists(t, m.FS.Path("inbox/Show/film.srt"))
	require.NoError(t, m.FS.Remove("inbox/Show/film.srt"))
	require.Empty(t, look())

	sparse(t, m, "Show/film.srt", 5)
	require.NoError(t, os.Link(m.FS.Path("inbox/Show/film.srt"), m.FS.Path("another")))
	require.Contains(t, look(), "2 names (hard links)")
	names, err := m.FS.List("outbox/Show")
	require.NoError(t, err)
	require.Empty(t, names)
}
