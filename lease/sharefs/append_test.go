package sharefs_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

// What came before an error is in the file, whichever of the two sides fails, and is synced before it counts.
func TestAppend(t *testing.T) {
	dir := t.TempDir()
	var calls []string
	failing := ""
	share := sharefs.New(dir, sharefstest.WithHook(sharefs.OS(dir), func(op, _ string) error {
		calls = append(calls, op)
		if op == failing {
			return syscall.ENOSPC
		}
		return nil
	}))
	require.NoError(t, share.Create("film", nil))
	big := bytes.Repeat([]byte("0123456789"), 250_000) // three blocks
	n, err := share.Append(t.Context(), "film", 0, iotest.HalfReader(bytes.NewReader(big)))
	require.NoError(t, err)
	require.EqualValues(t, len(big), n)
	require.Equal(t, []string{"sync", "close"}, calls[len(calls)-2:])

	broken := io.MultiReader(strings.NewReader("some"), iotest.ErrReader(syscall.ECONNRESET))
	n, err = share.Append(t.Context(), "film", n, broken)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.EqualValues(t, 4, n)
	require.Equal(t, []string{"sync", "close"}, calls[len(calls)-2:])
	content, err := os.ReadFile(share.Path("film"))
	require.NoError(t, err)
	require.Equal(t, string(big)+"some", string(content))

	_, err = share.Append(t.Context(), "film", 3, strings.NewReader("x"))
	require.ErrorContains(t, err, "2500004 bytes and not 3")
	failing = "sync"
	n, err = share.Append(t.Context(), "film", 2500004, strings.NewReader("x"))
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Zero(t, n, "what may not be on the disk does not count")
	failing = ""

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	_, err = share.Append(ctx, "film", 2500005, strings.NewReader("x"))
	require.ErrorContains(t, err, "enough")
	_, err = share.Append(t.Context(), "none", 0, strings.NewReader("x"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_ = os.Symlink("film", share.Path("link"))
	if _, err := os.Lstat(share.Path("link")); err == nil { // wine only says that it makes one
		_, err = share.Append(t.Context(), "link", 2500005, strings.NewReader("x"))
		require.ErrorIs(t, err, sharefs.ErrNotRegular)
	}
}
