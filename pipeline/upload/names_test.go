//go:build unix

package upload

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline/steer"
)

// A name that is taken gets a number, as with add.
func TestUploadReplacesNothing(t *testing.T) {
	u := testUploads(t)
	require.NoError(t, u.Desk.Share.Create("inbox/film.mkv", []byte("theirs")))
	require.NoError(t, u.Desk.Share.Create("inbox/film (2).mkv.distenc.toml", nil))
	r, err := u.Receive(t.Context(), part("film.mkv", 0), strings.NewReader(whole))
	require.NoError(t, err)
	require.Equal(t, "inbox/film (3).mkv", r.Film.Name)
	require.Equal(t, "theirs", read(t, u.Desk, "inbox/film.mkv"))
}

// Somebody takes each name that is found to be free.
func TestUploadSurvivesThatItsNameIsTaken(t *testing.T) {
	u := testUploads(t)
	plain, taken := u.Desk.Share, 0
	u.Desk.Share = sharefs.New(plain.Root(), sharefstest.WithHook(sharefs.OS(plain.Root()), func(op, name string) error {
		if _, to, _ := strings.Cut(name, " -> "); op == "link" && taken < 20 {
			taken++
			return plain.Create(to, []byte("theirs"))
		}
		return nil
	}))
	_, err := u.Receive(t.Context(), part("film.mkv", 0), strings.NewReader(whole))
	requireKind(t, steer.Busy, err)
	require.Less(t, taken, 20)
	taken = 20
	r, err := u.Receive(t.Context(), part("film.mkv", Announce), nil)
	require.NoError(t, err, "what came was kept")
	require.Equal(t, whole, read(t, u.Desk, r.Film.Name))
}

// Two films for one path are told apart by when they were modified; a part of another film never lands in one.
func TestUploadsOfOneName(t *testing.T) {
	u := testUploads(t)
	one, two := part("film.mkv", 0), part("film.mkv", 0)
	one.Modified, two.Modified = "1", "2"
	_, err := u.Receive(t.Context(), one, cutOff(10))
	require.Error(t, err)
	r, err := u.Receive(t.Context(), two, strings.NewReader(strings.ToUpper(whole)))
	require.NoError(t, err)
	require.Equal(t, "inbox/film.mkv", r.Film.Name)
	one.First = 10
	r, err = u.Receive(t.Context(), one, strings.NewReader(whole[10:]))
	require.NoError(t, err)
	require.Equal(t, whole, read(t, u.Desk, r.Film.Name))

	_, err = u.Receive(t.Context(), part("other.mkv", 0), cutOff(10))
	require.Error(t, err)
	larger := part("other.mkv", 10)
	larger.Total++
	_, err = u.Receive(t.Context(), larger, strings.NewReader(whole[10:]+"!"))
	require.Equal(t, &OffsetError{Offset: 10, Total: 44, First: 10}, err)
	larger.First = Announce
	r, err = u.Receive(t.Context(), larger, nil)
	require.NoError(t, err)
	require.Equal(t, Received{Total: 45}, r, "the file has changed")
}

// What is not what its name says is dropped, whether it came through one process or two.
func TestUploadOfADamagedFilm(t *testing.T) {
	for _, parts := range []bool{false, true} {
		u := testUploads(t)
		p := part("film [ABCDEF01].mkv", 0)
		if parts {
			_, err := u.Receive(t.Context(), p, cutOff(10))
			require.Error(t, err)
			u, p.First = u.again(), 10
		}
		_, err := u.Receive(t.Context(), p, strings.NewReader(whole[p.First:]))
		requireKind(t, steer.Damaged, err)
		require.ErrorContains(t, err, "says CRC-32 ABCDEF01 but what came has")
		require.Empty(t, inboxOf(t, u.Desk))
	}
}

// What can't be a job is refused before a byte is taken or anything is made.
func TestUploadNames(t *testing.T) {
	u := testUploads(t)
	for _, name := range []string{
		"", ".", "..", "../film.mkv", "a/../../film.mkv", "/film.mkv", "//etc/film.mkv", "a//film.mkv", "film.mkv/",
		"./film.mkv",
		"a\x00b.mkv", "a\nb.mkv", "a\x7f.mkv", "\xff.mkv", ".film.mkv", "a/.b/film.mkv", "film.mkv.part", "film.mkv.distenc.toml",
		".distenc-put-x", "@eaDir/film.mkv", "film.srt", "poster.jpg",
		strings.Repeat("x", 252) + ".mkv", strings.Repeat("x/", 500) + "film.mkv",
	} {
		_, err := u.Receive(t.Context(), part(name, 0), strings.NewReader(whole))
		requireKind(t, steer.Wrong, err)
	}
	for _, total := range []int64{0, -1, math.MinInt64} {
		_, err := u.Receive(t.Context(), Part{Path: "film.mkv", Total: total}, strings.NewReader(whole))
		requireKind(t, steer.Wrong, err)
	}
	wild := part("film.mkv", 0)
	wild.Wishes.Priority = new(5000)
	_, err := u.Receive(t.Context(), wild, strings.NewReader(whole))
	requireKind(t, steer.Wrong, err)
	require.ErrorContains(t, err, "must be between")
	require.Empty(t, inboxOf(t, u.Desk))

	long := strings.Repeat("x", 251) + ".mkv"
	r, err := u.Receive(t.Context(), part(long, 0), strings.NewReader(whole))
	require.NoError(t, err)
	require.Equal(t, "inbox/"+long, r.Film.Name)
}

// A link in the inbox leads nowhere, and a file is no folder. What came is kept for when that is mended.
func TestUploadIntoWhatIsNoFolder(t *testing.T) {
	u := testUploads(t)
	elsewhere := t.TempDir()
	require.NoError(t, os.Symlink(elsewhere, u.Desk.Share.Path("inbox/link")))
	require.NoError(t, u.Desk.Share.Create("inbox/file", nil))
	for _, dir := range []string{"link", "link/deeper", "file", "file/deeper"} {
		_, err := u.Receive(t.Context(), part(dir+"/film.mkv", 0), strings.NewReader(whole))
		requireKind(t, steer.NotNow, err)
		r, err := u.Look(dir+"/film.mkv", "")
		require.NoError(t, err)
		require.EqualValues(t, 44, r.Offset)
	}
	entries, err := os.ReadDir(elsewhere)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// ignoringCase takes all names of inbox/film.mkv for one, and lists it as it was first written.
func ignoringCase(d steer.Desk) steer.Desk {
	root := d.Share.Root()
	d.Share = sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
		if op == "link" && strings.HasSuffix(name, "-> inbox/film.mkv") {
			return syscall.EEXIST
		}
		return nil
	}))
	return d
}

// A film whose name differs from another one's by case alone gets a number where the share takes both for one name.
func TestNamesThatDifferByCase(t *testing.T) {
	u := testUploads(t)
	u.Desk = ignoringCase(u.Desk)
	r, err := u.Receive(t.Context(), part("film.mkv", 0), strings.NewReader(whole))
	require.NoError(t, err)
	require.Equal(t, "inbox/film (2).mkv", r.Film.Name)
	file := filepath.Join(t.TempDir(), "film.mkv")
	require.NoError(t, os.WriteFile(file, []byte("film"), 0o600))
	s, err := ignoringCase(u.Desk).Submit(t.Context(), file, steer.Wishes{})
	require.NoError(t, err)
	require.Equal(t, "inbox/film (3).mkv", s.Name)
	require.Equal(t, []string{
		"film (2).mkv", "film (2).mkv.distenc.toml", "film (3).mkv", "film (3).mkv.distenc.toml",
	}, inboxOf(t, u.Desk))
}

// What became of a film is not told of the next one for its path.
func TestAnotherFilmOfTheSameName(t *testing.T) {
	u := testUploads(t)
	_, err := u.Receive(t.Context(), part("film.mkv", 0), strings.NewReader(whole))
	require.NoError(t, err)
	_, err = u.Receive(t.Context(), part("film.mkv", 0), cutOff(4))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NoError(t, u.Drop(t.Context(), "film.mkv", ""))
	_, err = u.Look("film.mkv", "")
	requireKind(t, steer.Unknown, err)
}
