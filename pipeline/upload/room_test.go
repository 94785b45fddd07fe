//go:build unix

package upload

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline/steer"
)

// A film that does not fit is refused at once, those that are coming in counted; one for which the disk fills up
// meanwhile stays as far as it came.
func TestUploadRoom(t *testing.T) {
	u := testUploads(t)
	tagged := fmt.Sprintf("film [%08X].mkv", crc32.ChecksumIEEE([]byte(whole))) // what was not written does not count
	free := int64(1000)
	u.Free = func() (int64, error) { return free, nil }
	u.MinFree = func() int64 { return 900 }
	huge := part("film.mkv", 0)
	huge.Total = 1 << 40
	untouched := iotest.ErrReader(fs.ErrInvalid)
	for _, first := range []int64{0, Announce} {
		huge.First = first
		_, err := u.Receive(t.Context(), huge, untouched)
		requireKind(t, steer.NoRoom, err)
	}
	require.Empty(t, inboxOf(t, u.Desk))

	body, client := slow(u)
	client.name = tagged
	first := make(chan error, 1)
	go func() {
		_, err := u.Receive(t.Context(), part(tagged, 0), body)
		first <- err
	}()
	client.send(4)
	second := part("second.mkv", 0)
	second.Total = 61 // and 40 of the first
	_, err := u.Receive(t.Context(), second, untouched)
	requireKind(t, steer.NoRoom, err)
	second.Total = 60
	_, err = u.Receive(t.Context(), second, strings.NewReader("some"))
	require.NoError(t, err)
	require.NoError(t, client.CloseWithError(io.ErrUnexpectedEOF))
	require.ErrorIs(t, <-first, io.ErrUnexpectedEOF)

	u.Desk.Share = sharefs.New(u.Desk.Share.Root(),
		sharefstest.WithHook(sharefs.OS(u.Desk.Share.Root()), func(op, name string) error {
			if op == "write" && strings.Contains(name, "put") {
				return syscall.ENOSPC
			}
			return nil
		}))
	r, err := u.Receive(t.Context(), part(tagged, 4), strings.NewReader(whole[4:]))
	requireKind(t, steer.NoRoom, err)
	require.EqualValues(t, 4, r.Offset)
	u.Desk.Share = sharefs.New(u.Desk.Share.Root(), sharefs.OS(u.Desk.Share.Root()))
	r, err = u.Receive(t.Context(), part(tagged, 4), strings.NewReader(whole[4:]))
	require.NoError(t, err)
	require.Equal(t, whole, read(t, u.Desk, r.Film.Name))
}

// Room is looked for again while a long film comes in.
func TestUploadStopsAtMinFree(t *testing.T) {
	u := testUploads(t)
	free := int64(1 << 30)
	u.Free = func() (int64, error) { return free, nil }
	p := part("film.mkv", 0)
	p.Total = 2*lookEach + 1
	r, err := u.Receive(t.Context(), p, io.MultiReader(
		strings.NewReader("some"), tap(func() { free = -1 }), bytes.NewReader(make([]byte, 2*lookEach))))
	requireKind(t, steer.NoRoom, err)
	require.Less(t, r.Offset, p.Total)
	require.GreaterOrEqual(t, r.Offset, int64(lookEach))
}

// tap gives nothing and does something.
type tap func()

func (f tap) Read([]byte) (int, error) { f(); return 0, io.EOF }

func TestUploadsAreBounded(t *testing.T) {
	u := testUploads(t)
	for i := range maxUploads {
		_, err := u.Receive(t.Context(), part(fmt.Sprintf("%d.mkv", i), Announce), nil)
		require.NoError(t, err)
	}
	_, err := u.Receive(t.Context(), part("more.mkv", 0), strings.NewReader(whole))
	requireKind(t, steer.Many, err)
	anew := part("8.mkv", 0)
	anew.Total++
	_, err = u.Receive(t.Context(), anew, cutOff(1))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "it takes its own place")
	require.NoError(t, u.Drop(t.Context(), "7.mkv", ""))
	requireKind(t, steer.Unknown, u.Drop(t.Context(), "7.mkv", ""))
	_, err = u.Receive(t.Context(), part("more.mkv", 0), strings.NewReader(whole))
	require.NoError(t, err)
}

// What begins anew takes the place of what came before, and needs no room beside it.
func TestBeginningAnewFreesItsOwnRoom(t *testing.T) {
	u := testUploads(t)
	free := int64(len(whole))
	u.Free = func() (int64, error) { return free, nil }
	_, err := u.Receive(t.Context(), part("film.mkv", 0), cutOff(40))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	free -= 40
	_, err = u.Receive(t.Context(), part("film.mkv", 0), strings.NewReader(whole))
	require.NoError(t, err)
}
