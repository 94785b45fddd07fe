//go:build linux

// Package packages builds the Debian package and installs it where nothing is lost: `make test-packages`.
package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const root = "../.."

// build makes the package afresh and returns its name.
func build(t *testing.T) string {
	t.Helper()
	if os.Getenv("DISTENC_TEST_PACKAGES") == "" {
		t.Skip("DISTENC_TEST_PACKAGES is not set: make test-packages")
	}
	require.NoError(t, os.RemoveAll(filepath.Join(root, "dist")))
	run(t, "make", "-C", root, "deb")
	names, err := filepath.Glob(filepath.Join(root, "dist", "*.deb"))
	require.NoError(t, err)
	require.Len(t, names, 1)
	return names[0]
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
	return string(out)
}

func TestTheDebianPackage(t *testing.T) {
	deb := build(t)
	about, files := run(t, "dpkg-deb", "-I", deb), run(t, "dpkg-deb", "-c", deb)
	for _, want := range []string{"Depends: adduser, ffmpeg (>= 7:5.1), mkvtoolnix", "conffiles", "postinst"} {
		require.Contains(t, about, want)
	}
	for _, want := range []string{
		"./usr/bin/distenc", "./etc/distenc/distenc.toml", "./lib/systemd/system/distenc-worker.service",
		"./lib/systemd/system/distenc-master.service", "./lib/systemd/system/distenc-worker@.service",
		"./lib/systemd/system/distenc-master@.service", "./usr/share/doc/distenc/distenc-worker.sbatch",
		"./usr/share/man/man1/distenc.1.gz", "./usr/share/bash-completion/completions/distenc",
		"./usr/share/doc/distenc/copyright",
	} {
		require.Contains(t, files, want+"\n")
	}
	require.NotContains(t, files, "/usr/local")
	if lintian, err := exec.LookPath("lintian"); err == nil {
		require.NotContains(t, run(t, lintian, "--fail-on", "error", deb), "E: ")
	}
	installed(t, deb)
}

// installed installs the package on a copy of this machine that is thrown away: an overlay of the whole
// file system, with this machine's ffmpeg and mkvtoolnix below it.
func installed(t *testing.T, deb string) {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, 0) })
	up, work, copied := filepath.Join(dir, "up"), filepath.Join(dir, "work"), filepath.Join(dir, "copy")
	for _, d := range []string{up, work, copied} {
		require.NoError(t, os.Mkdir(d, 0o755))
	}
	if err := unix.Mount("overlay", copied, "overlay", 0, "lowerdir=/,upperdir="+up+",workdir="+work); err != nil {
		t.Skipf("no overlay can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(copied, 0) })
	data, err := os.ReadFile(deb)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(copied, "distenc.deb"), data, 0o644))
	inside := func(args ...string) string { return run(t, "chroot", append([]string{copied}, args...)...) }

	inside("dpkg", "-i", "/distenc.deb")
	require.Contains(t, inside("getent", "passwd", "distenc"), ":/nonexistent:/usr/sbin/nologin")
	require.Contains(t, inside("distenc", "version"), "distenc ")
	require.Empty(t, inside("dpkg", "-V", "distenc"))
	inside("distenc", "init", "/mnt/distenc")
	require.Contains(t, inside("distenc", "status"), "Nothing is to be done", "the configuration names the share")
	require.NoError(t, os.WriteFile(filepath.Join(copied, "etc/distenc/distenc.toml"), []byte("share = \"/srv\"\n"),
		0o644))
	inside("dpkg", "-i", "--force-confold", "/distenc.deb")
	changed, err := os.ReadFile(filepath.Join(copied, "etc/distenc/distenc.toml"))
	require.NoError(t, err)
	require.Equal(t, "share = \"/srv\"\n", string(changed), "an update leaves the administrator's file alone")
	inside("dpkg", "-r", "distenc")
	require.FileExists(t, filepath.Join(copied, "etc/distenc/distenc.toml"))
	inside("dpkg", "-P", "distenc")
	require.NoDirExists(t, filepath.Join(copied, "etc/distenc"))
	require.True(t, strings.HasPrefix(inside("getent", "passwd", "distenc"), "distenc:"), "files on the share are its")
}
