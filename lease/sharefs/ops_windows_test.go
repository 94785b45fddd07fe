package sharefs

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"
)

func newWindowsShare(t *testing.T) *FS {
	t.Helper()
	share, err := Open(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, share.MkdirAll("a"))
	return share
}

// Who reads or writes a file through the share keeps nobody from moving or removing it.
func TestAnOpenFileIsInNobodysWay(t *testing.T) {
	share := newWindowsShare(t)
	for _, flag := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR} {
		require.NoError(t, share.Create("a/x", []byte("text")))
		file, err := share.ops.OpenFile("a/x", flag, 0)
		require.NoError(t, err)
		_, err = share.Move(t.Context(), "a/x", "a/y")
		require.NoError(t, err)
		require.NoError(t, share.Remove("a/y"))
		require.NoError(t, file.Close())
		names, err := share.List("a")
		require.NoError(t, err)
		require.Empty(t, names)
	}
}

// A program that lets nobody else open a file is trouble, not the file's fault, and is waited for.
func TestAFileThatAnotherProgramHas(t *testing.T) {
	share := newWindowsShare(t)
	require.NoError(t, share.Create("a/x", []byte("text")))
	path, err := windows.UTF16PtrFromString(share.Path("a/x"))
	require.NoError(t, err)
	h, err := windows.CreateFile(path, windows.GENERIC_READ, 0, nil, windows.OPEN_EXISTING, 0, 0)
	require.NoError(t, err)
	_, err = share.Read("a/x", 10)
	require.ErrorIs(t, err, windows.ERROR_SHARING_VIOLATION)
	require.True(t, Trouble(err))
	require.True(t, Trouble(share.Remove("a/x")))
	require.True(t, Trouble(share.Overwrite("a/x", []byte("TEXT"))))
	require.NoError(t, windows.CloseHandle(h))
	_, err = share.Read("a/x", 10)
	require.NoError(t, err)
}

// Films come from read-only media.
func TestAReadOnlyFileCanBeRemoved(t *testing.T) {
	share := newWindowsShare(t)
	require.NoError(t, share.Create("a/x", nil))
	require.NoError(t, os.Chmod(share.Path("a/x"), 0o400))
	require.NoError(t, share.Remove("a/x"))
	require.Error(t, share.Remove("a"), "a folder is none")
	names, err := share.List(".")
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, names)
}

func TestPatience(t *testing.T) {
	calls := 0
	refuse := func(times int) func() error {
		calls = 0
		return func() error {
			if calls++; calls <= times {
				return &fs.PathError{Err: windows.ERROR_SHARING_VIOLATION}
			}
			return nil
		}
	}
	require.NoError(t, patiently(refuse(2), windows.ERROR_SHARING_VIOLATION))
	require.Equal(t, 3, calls)
	require.Error(t, patiently(refuse(2), windows.ERROR_ACCESS_DENIED), "another refusal is not waited for")
	require.Equal(t, 1, calls)
	require.Error(t, patiently(refuse(100), windows.ERROR_SHARING_VIOLATION))
	require.Equal(t, 1+patient, calls)
}

func TestInodes(t *testing.T) {
	share := newWindowsShare(t)
	require.NoError(t, share.Create("a/x", []byte("text")))
	require.NoError(t, share.Create("a/other", nil))
	require.NoError(t, share.ops.Link("a/x", "a/y"))
	x, err := share.Stat("a/x")
	require.NoError(t, err)
	y, err := share.ops.Lstat("a/y")
	require.NoError(t, err)
	other, err := share.Stat("a/other")
	require.NoError(t, err)
	require.True(t, SameFile(x, y))
	require.False(t, SameFile(x, other))
	require.EqualValues(t, 2, Links(x))
	require.EqualValues(t, 1, Links(other))
	require.EqualValues(t, 4, x.Size())
	inode, ok := InodeOf(x)
	require.True(t, ok)
	require.False(t, inode.Changed.IsZero())
	require.ErrorIs(t, share.ops.Link("a/other", "a/y"), fs.ErrExist)
}

// A path may be longer than the 260 characters of MAX_PATH.
func TestALongPath(t *testing.T) {
	share := newWindowsShare(t)
	name := strings.Repeat(strings.Repeat("d", 100)+"/", 4) + "x"
	require.NoError(t, share.MkdirAll(name[:len(name)-2]))
	require.NoError(t, share.Create(name, []byte("text")))
	_, err := share.Move(t.Context(), name, name+"2")
	require.NoError(t, err)
	require.NoError(t, share.Durable(name+"2"))
}

func TestVerbatimPaths(t *testing.T) {
	for root, want := range map[string]string{
		`Z:\share`:            `\\?\Z:\share\a\b`,
		`\\server\share`:      `\\?\UNC\server\share\a\b`,
		`\\?\UNC\server\file`: `\\?\UNC\server\file\a\b`,
	} {
		path, err := osOps{root}.verbatim("a/b")
		require.NoError(t, err)
		require.Equal(t, want, windows.UTF16PtrToString(path))
	}
}

// What Windows says means the same as what POSIX has for it.
func TestWindowsErrors(t *testing.T) {
	for errno, means := range map[syscall.Errno]func(error) bool{
		windows.ERROR_DISK_FULL: Full, windows.ERROR_DISK_QUOTA_EXCEEDED: Full, windows.ERROR_WRITE_PROTECT: ReadOnly,
		windows.ERROR_NETNAME_DELETED: Stale, windows.ERROR_CRC: Unreadable, windows.ERROR_FILE_NOT_FOUND: Absent,
		windows.ERROR_PATH_NOT_FOUND: Absent, windows.ERROR_DIRECTORY: NotFolder, windows.ERROR_INVALID_NAME: TooLong,
		windows.ERROR_NOT_ENOUGH_MEMORY: NoMemory, windows.ERROR_ACCESS_DENIED: Immovable,
		windows.ERROR_NOT_SAME_DEVICE: Immovable, windows.ERROR_LOCK_VIOLATION: Trouble,
		windows.ERROR_UNEXP_NET_ERR: Trouble,
	} {
		require.True(t, means(&fs.PathError{Op: "open", Err: errno}), "%d", errno)
	}
	for _, errno := range slices.Concat(native.full, native.readOnly, native.stale, native.noMemory, native.troubles) {
		require.True(t, Trouble(errno), "%d", errno)
	}
	for _, errno := range []syscall.Errno{windows.ERROR_ACCESS_DENIED, windows.ERROR_CRC, windows.ERROR_FILE_NOT_FOUND} {
		require.False(t, Trouble(errno), "%d", errno)
		require.False(t, permanent(errno), "%d", errno)
	}
	away := reachable(windows.ERROR_BAD_NETPATH)
	require.False(t, errors.Is(away, fs.ErrNotExist), "a server that is away is no file that is gone")
	require.True(t, Trouble(away))
}
