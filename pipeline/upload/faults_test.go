//go:build unix

package upload

import (
	"fmt"
	"hash/crc32"
	"path"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline/steer"
)

// Whatever operation on the share fails, whether it was done or not: going on ends with one whole film.
func TestUploadGoesOnAfterAnyFailure(t *testing.T) {
	film := fmt.Sprintf("new/film [%08X].mkv", crc32.ChecksumIEEE([]byte(whole)))
	count := new(sharefstest.Nth)
	run := func(n *sharefstest.Nth) steer.Desk {
		u := testUploads(t)
		root := u.Desk.Share.Root()
		u.Desk.Share = sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), n.Hook))
		_, _ = u.Receive(t.Context(), part(film, 0), cutOff(10))
		_, _ = u.Receive(t.Context(), part(film, 10), strings.NewReader(whole[10:]))
		u = u.again()
		u.Desk.Share = sharefs.New(root, sharefs.OS(root))
		r, err := u.Receive(t.Context(), part(film, Announce), nil)
		require.NoError(t, err)
		if r.Film == nil && r.Offset < r.Total {
			_, err = u.Receive(t.Context(), part(film, r.Offset), strings.NewReader(whole[r.Offset:]))
			require.NoError(t, err)
		}
		return u.Desk
	}
	run(count)
	for i := range len(count.Done()) {
		for _, err := range []error{syscall.EIO, sharefstest.AnswerLost(syscall.EIO)} {
			d := run(&sharefstest.Nth{Fail: i + 1, Err: err})
			names, lerr := d.Share.List("inbox/new")
			require.NoError(t, lerr)
			films := 0
			for _, n := range names {
				if path.Ext(n) != ".mkv" {
					continue
				}
				films++
				require.Equal(t, whole, read(t, d, "inbox/new/"+n), "%s: %v", count.Done()[i], err)
				info, serr := d.Share.Stat("inbox/new/" + n)
				require.NoError(t, serr)
				require.EqualValues(t, 1, sharefs.Links(info), "%s: %v", count.Done()[i], err)
			}
			require.NotZero(t, films, "%s: %v", count.Done()[i], err)
		}
	}
}

// A film whose name may not last keeps the other one too, and is not said to be handed in.
func TestANameThatMayNotLast(t *testing.T) {
	u := testUploads(t)
	root, fails := u.Desk.Share.Root(), true
	u.Desk.Share = sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
		if fails && op == "sync" && name == "inbox/film.mkv" {
			return syscall.EIO
		}
		return nil
	}))
	for _, first := range []int64{0, Announce} { // it is named by the first one
		r, err := u.Receive(t.Context(), part("film.mkv", first), strings.NewReader(whole))
		require.ErrorIs(t, err, syscall.EIO)
		require.Nil(t, r.Film)
		r, err = u.Look("film.mkv", "")
		require.NoError(t, err)
		require.Nil(t, r.Film)
		require.Len(t, inboxOf(t, u.Desk), 3)
	}
	fails = false
	r, err := u.Receive(t.Context(), part("film.mkv", Announce), nil)
	require.NoError(t, err)
	require.Equal(t, "inbox/film.mkv", r.Film.Name)
	require.Equal(t, []string{"film.mkv", "film.mkv.distenc.toml"}, inboxOf(t, u.Desk))
}

// A film that can't be named leaves no settings behind, which would take the name away from it for the next time.
func TestNoSettingsWithoutTheirFilm(t *testing.T) {
	u := testUploads(t)
	root, fails := u.Desk.Share.Root(), true
	u.Desk.Share = sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, _ string) error {
		if fails && op == "link" {
			return syscall.EIO
		}
		return nil
	}))
	for _, first := range []int64{0, Announce} {
		_, err := u.Receive(t.Context(), part("film.mkv", first), strings.NewReader(whole))
		require.ErrorIs(t, err, syscall.EIO)
		require.Len(t, inboxOf(t, u.Desk), 1, "what came")
	}
	fails = false
	r, err := u.Receive(t.Context(), part("film.mkv", Announce), nil)
	require.NoError(t, err)
	require.Equal(t, "inbox/film.mkv", r.Film.Name)
}
