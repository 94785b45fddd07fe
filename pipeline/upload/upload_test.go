//go:build unix

package upload

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/steer"
)

const whole = "a film of forty-two bytes, told in two parts"

// asJSON writes the settings beside a film as JSON; in the program they are TOML.
type asJSON struct{}

func (asJSON) Amend(_ string, _ []byte, w steer.Wishes) ([]byte, error) {
	if w.Priority != nil && *w.Priority > 1000 {
		return nil, errors.New("priority: must be between -1000 and 1000")
	}
	return json.Marshal(w)
}

func (asJSON) Nonce(data []byte) string {
	w := steer.Wishes{}
	_ = json.Unmarshal(data, &w)
	return w.Nonce
}

// testUploads are the uploads of a new share.
func testUploads(t *testing.T) *Store {
	t.Helper()
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, share.MkdirAll(dir))
	}
	return &Store{Desk: steer.Desk{Share: share, Settings: asJSON{}}, MinFree: func() int64 { return 0 }}
}

func inboxOf(t *testing.T, d steer.Desk) []string {
	t.Helper()
	names, err := d.Share.List(pipeline.Inbox)
	require.NoError(t, err)
	return names
}

// again is another process on the same share.
func (u *Store) again() *Store { return &Store{Desk: u.Desk, MinFree: u.MinFree, Free: u.Free} }

func part(name string, first int64) Part {
	return Part{Path: name, First: first, Total: int64(len(whole))}
}

// cutOff gives the first n bytes, and then what a broken connection gives.
func cutOff(n int) io.Reader {
	return io.MultiReader(strings.NewReader(whole[:n]), iotest.ErrReader(io.ErrUnexpectedEOF))
}

func requireKind(t *testing.T, kind steer.Kind, err error) {
	t.Helper()
	var e *steer.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, kind, e.Kind, "%v", err)
}

func read(t *testing.T, d steer.Desk, name string) string {
	t.Helper()
	b, err := d.Share.Read(name, 1<<20)
	require.NoError(t, err)
	return string(b)
}

// A part that is cut off is gone on with, by the same process and by another one, and the film then has its settings.
func TestUploadInParts(t *testing.T) {
	for name, other := range map[string]bool{"same": false, "another process": true} {
		t.Run(name, func(t *testing.T) {
			u := testUploads(t)
			film := fmt.Sprintf("films/new/film [%08x].mkv", crc32.ChecksumIEEE([]byte(whole)))
			r, err := u.Receive(t.Context(), part(film, Announce), nil)
			require.NoError(t, err)
			require.Equal(t, Received{Total: 44}, r)
			r, err = u.Receive(t.Context(), part(film, 0), cutOff(17))
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.EqualValues(t, 17, r.Offset)
			require.NoDirExists(t, u.Desk.Share.Path("inbox/films"), "nothing of it is seen before it is whole")
			if other {
				u = u.again()
			}
			r, err = u.Look(film, "")
			require.NoError(t, err)
			require.Equal(t, Received{Offset: 17, Total: 44}, r)
			_, err = u.Receive(t.Context(), part(film, 3), strings.NewReader(whole[3:]))
			require.Equal(t, &OffsetError{Offset: 17, Total: 44, First: 3}, err)
			r, err = u.Receive(t.Context(), part(film, Announce), nil)
			require.NoError(t, err)
			require.EqualValues(t, 17, r.Offset)

			p := part(film, 17)
			p.Wishes = steer.Wishes{Priority: new(3)}
			r, err = u.Receive(t.Context(), p, strings.NewReader(whole[17:]+"more than was announced"))
			require.NoError(t, err)
			require.Equal(t, "inbox/"+film, r.Film.Name)
			require.Equal(t, whole, read(t, u.Desk, r.Film.Name))
			settings := read(t, u.Desk, r.Film.Name+".distenc.toml")
			require.Contains(t, settings, `"Priority":3`)
			require.Contains(t, settings, `"Size":44`)
			require.Equal(t, r.Film.Nonce, asJSON{}.Nonce([]byte(settings)))
			require.Equal(t, []string{"films"}, inboxOf(t, u.Desk))
			heard, err := u.Look(film, "")
			require.NoError(t, err)
			require.Equal(t, r, heard, "whoever did not hear that it is whole can ask")
			_, err = u.again().Look(film, "")
			requireKind(t, steer.Unknown, err)
		})
	}
}

// What came through one process in parts is not read again to compare it with its tag: a film may have a hundred
// gigabytes.
func TestUploadIsNotReadAgain(t *testing.T) {
	u := testUploads(t)
	root := u.Desk.Share.Root()
	u.Desk.Share = sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
		require.False(t, op == "read" && strings.Contains(name, ".distenc-put-"), name)
		return nil
	}))
	film := fmt.Sprintf("film [%08X].mkv", crc32.ChecksumIEEE([]byte(whole)))
	_, err := u.Receive(t.Context(), part(film, 0), cutOff(10))
	require.Error(t, err)
	_, err = u.Receive(t.Context(), part(film, 10), strings.NewReader(whole[10:]))
	require.NoError(t, err)
}

// A film that is to keep its date has it once it is named, as far as the client told it.
func TestAnUploadKeepsItsDate(t *testing.T) {
	for _, date := range []time.Time{{}, time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)} {
		u := testUploads(t)
		p := part("film.mkv", 0)
		p.Wishes.KeepDate, p.Date = true, date
		r, err := u.Receive(t.Context(), p, strings.NewReader(whole))
		require.NoError(t, err)
		require.Equal(t, date.IsZero(), r.Film.Undated != nil)
		info, err := u.Desk.Share.Stat(r.Film.Name)
		require.NoError(t, err)
		require.Equal(t, !date.IsZero(), date.Equal(info.ModTime()))
	}
}
