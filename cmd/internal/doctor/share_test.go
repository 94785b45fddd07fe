package doctor

import (
	"context"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// newShare makes a share's folders and marker below parent.
func newShare(t *testing.T, parent string) *sharefs.FS {
	t.Helper()
	share, err := sharefs.Open(parent)
	require.NoError(t, err)
	for _, folder := range pipeline.Folders() {
		require.NoError(t, share.MkdirAll(folder))
	}
	require.NoError(t, (&pipeline.ClusterInfo{Share: "test", Heartbeat: "10s", Expiry: "2m0s"}).Write(share))
	return share
}

// examine runs Share; the second process is a goroutine with descriptors of its own, which is the same to
// rename(2) and flock(2).
func examine(t *testing.T, share *sharefs.FS) collect {
	t.Helper()
	found := collect{}
	Share(t.Context(), ShareOptions{Root: os.DirFS("/"), Share: share,
		Second: func(ctx context.Context, room string) error {
			return Second(ctx, share, room)
		}}, found.tell)
	return found
}

func probes(t *testing.T, share *sharefs.FS) []string {
	t.Helper()
	names, err := share.List(pipeline.ProbeDir)
	require.NoError(t, err)
	return names
}

func TestShareOnDisk(t *testing.T) {
	checks := []string{"write", "folders", "rename", "link", "O_EXCL", "overwrite", "replace", "mkdir",
		"fsync", "listing", "in use", "clock", "claims here", "locks here"}
	if runtime.GOOS != "windows" {
		checks = append(checks, "owner", "group")
	}
	share := newShare(t, t.TempDir())
	found := examine(t, share)
	for check, f := range found.onlyBad() {
		require.Contains(t, []string{"mount", "space: share", "names"}, check, "%v", f)
	}
	for _, check := range checks {
		require.Contains(t, found, check)
	}
	require.Empty(t, probes(t, share), "nothing stays")
}

func TestShareInMemory(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "distenc-doctor-")
	if err != nil {
		t.Skip("no /dev/shm:", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	share := newShare(t, dir)
	found := examine(t, share)
	require.Equal(t, Advice, found["mount"].Level, "%v", found["mount"])
	require.Contains(t, found["mount"].Why, "memory")
	require.Equal(t, OK, found["locks here"].Level)
	require.Empty(t, probes(t, share))
}

// What a killed doctor left is removed when it is an hour old, and nothing else.
func TestOldLeftoversAreSwept(t *testing.T) {
	share := newShare(t, t.TempDir())
	for _, name := range []string{"doctor.old/room", "doctor.new", "master-m12345"} {
		require.NoError(t, share.MkdirAll(pipeline.ProbeDir+"/"+name))
	}
	require.NoError(t, share.Create(pipeline.ProbeDir+"/doctor.old/room/x", nil))
	old := share.Path(pipeline.ProbeDir + "/doctor.old")
	info, err := os.Stat(old)
	require.NoError(t, err)
	past := info.ModTime().Add(-2 * leftover)
	require.NoError(t, os.Chtimes(old, past, past))
	examine(t, share)
	require.Equal(t, []string{"doctor.new", "master-m12345"}, probes(t, share))
}

// foreign is a server that forbids Windows' characters, as some NAS do, and keeps no case.
type foreign struct{ sharefs.Ops }

func (f foreign) OpenFile(name string, flag int, perm fs.FileMode) (sharefs.File, error) {
	if strings.ContainsAny(name, `:?*|"<>\`) {
		return nil, syscall.EINVAL
	}
	return f.Ops.OpenFile(strings.ToLower(strings.TrimRight(name, ". ")), flag, perm)
}

func TestNamesOfAnotherSystem(t *testing.T) {
	root := t.TempDir()
	share := sharefs.New(root, foreign{sharefs.OS(root)})
	require.NoError(t, share.MkdirAll("d"))
	found := checkNames(share, "d")
	require.Equal(t, Advice, found[0].Level)
	require.Contains(t, found[0].Seen, `refused: ':', '?'`)
	require.Contains(t, found[0].Seen, "kept as something else: a dot at the end")
	require.Contains(t, found[1].Seen, "upper and lower case make one name; the two Unicode forms of é make two names")
}

func TestAFolderWeMayNotWriteIn(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere here")
	}
	share := newShare(t, t.TempDir())
	require.NoError(t, os.Chmod(share.Path(pipeline.ProbeDir), 0o555))
	require.Equal(t, Fail, examine(t, share)["write"].Level)
	require.Equal(t, Fail, checkFolders(share, me()).Level)
}
