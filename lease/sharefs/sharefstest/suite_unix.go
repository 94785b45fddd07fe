//go:build unix

package sharefstest

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
)

// oddName is taken as it is.
var oddName = "a..b '\"\n-%d: \\ CON." + map[string]string{"linux": "\xff"}[runtime.GOOS] // macOS takes UTF-8 alone

// changedNames would become others.
var changedNames []string

func mkfifo(path string) error { return syscall.Mkfifo(path, 0o600) }

func testModes(t *testing.T, share *sharefs.FS) {
	if !real(share) {
		t.Skip("a simulated share has one user")
	}
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	require.NoError(t, share.MkdirAll("d"))
	require.NoError(t, share.Create("d/x", nil))
	info, err := os.Stat(share.Path("d"))
	require.NoError(t, err)
	require.Equal(t, fs.ModeDir|fs.ModeSetgid|0o775, info.Mode())
	info, err = os.Stat(share.Path("d/x"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o664), info.Mode())
}
