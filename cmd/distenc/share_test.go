//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc"
	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

// newShare makes a share the way `distenc init` does.
func newShare(t *testing.T) config.Config {
	t.Helper()
	cfg, err := config.Load(config.Source{File: os.DevNull, Flags: []config.Flag{
		{Name: "--share", Key: "share", Value: filepath.Join(t.TempDir(), "share")},
	}})
	require.NoError(t, err)
	require.NoError(t, initShare(&bytes.Buffer{}, cfg))
	return cfg
}

func TestOpenShare(t *testing.T) {
	cfg := newShare(t)
	share, err := openShare(cfg)
	require.NoError(t, err)
	require.Equal(t, cfg.Share, share.Path("."))

	require.NoError(t, os.Remove(filepath.Join(cfg.Share, "leases")))
	_, err = openShare(cfg)
	require.ErrorContains(t, err, `"leases" is missing`)
	require.Equal(t, 1, exitCode(err))

	_, err = openShare(config.Config{})
	require.ErrorContains(t, err, "no share is named")
	require.Equal(t, 2, exitCode(err))

	_, err = openShare(config.Config{Share: t.TempDir()})
	require.ErrorContains(t, err, "is it mounted?")
	require.Equal(t, 1, exitCode(err), "it may be mounted later")

	_, err = openShare(config.Config{Share: "/nonexistent/share"})
	require.ErrorContains(t, err, "is it mounted?")

	require.NoError(t, os.WriteFile(filepath.Join(cfg.Share, ".distenc/cluster.json"), []byte("{"), 0o644))
	_, err = openShare(cfg)
	require.ErrorContains(t, err, "cannot read the share's marker")
}

func TestALinkForAFolderIsRefused(t *testing.T) {
	cfg := newShare(t)
	inbox := filepath.Join(cfg.Share, "inbox")
	require.NoError(t, os.Remove(inbox))
	require.NoError(t, os.Symlink(t.TempDir(), inbox))
	_, err := openShare(cfg)
	require.ErrorContains(t, err, inbox+": is a symbolic link")
	require.Equal(t, 2, exitCode(err))
}

// The same file system mounted a second time has the same device, and yet rename(2) says EXDEV.
func TestABindMountIsRefused(t *testing.T) {
	cfg := newShare(t)
	inbox := filepath.Join(cfg.Share, "inbox")
	if err := syscall.Mount(inbox, inbox, "", syscall.MS_BIND, ""); err != nil {
		t.Skip("may not mount:", err)
	}
	defer syscall.Unmount(inbox, syscall.MNT_DETACH)
	require.ErrorIs(t, os.Rename(filepath.Join(cfg.Share, "distenc.toml"), filepath.Join(inbox, "x")), syscall.EXDEV)
	_, err := openShare(cfg)
	require.ErrorContains(t, err, inbox+": is a mount or a file system of its own")
}

// What init writes changes nothing until somebody removes a '#'.
func TestTheCommentedConfigurationIsTheDefaults(t *testing.T) {
	name := filepath.Join(t.TempDir(), "distenc.toml")
	load := func(content string) config.Config {
		require.NoError(t, os.WriteFile(name, []byte(content), 0o644))
		cfg, err := config.Load(config.Source{File: name})
		require.NoError(t, err)
		return cfg
	}
	require.Equal(t, load(""), load(commentedOut(distenc.ExampleConfig)))
	require.NotContains(t, commentedOut(distenc.ExampleConfig), "\nsettle")
}

// mergerfs shows each name of a file under an inode of its own unless it is told not to: nobody could tell who has
// published what.
func TestAUnionThatShowsLinksWronglyIsRefused(t *testing.T) {
	if _, err := exec.LookPath("mergerfs"); err != nil {
		t.Skip("no mergerfs")
	}
	branches, union := t.TempDir()+":"+t.TempDir(), t.TempDir()
	mount := func(option string) {
		if out, err := exec.Command("mergerfs", "-o", option, branches, union).CombinedOutput(); err != nil {
			t.Skipf("mergerfs can't be mounted: %s", out)
		}
		t.Cleanup(func() { _ = exec.Command("fusermount", "-u", union).Run() })
	}
	at := func(dir string) config.Config {
		cfg, err := config.Load(config.Source{File: os.DevNull, Flags: []config.Flag{
			{Name: "--share", Key: "share", Value: filepath.Join(union, dir)},
		}})
		require.NoError(t, err)
		return cfg
	}
	mount("use_ino,inodecalc=path-hash")
	err := initShare(&bytes.Buffer{}, at("new"))
	require.ErrorIs(t, err, sharefs.ErrInodes)
	require.ErrorContains(t, err, "use_ino")
	require.NoError(t, exec.Command("fusermount", "-u", union).Run())

	mount("use_ino,inodecalc=devino-hash")
	require.NoError(t, initShare(&bytes.Buffer{}, at("share")))
	share, err := openShare(at("share"))
	require.NoError(t, err)
	require.NoError(t, mayWork(share))
	require.NoError(t, exec.Command("fusermount", "-u", union).Run())

	mount("use_ino,inodecalc=path-hash")
	share, err = openShare(at("share"))
	require.NoError(t, err)
	require.ErrorIs(t, mayWork(share), sharefs.ErrInodes)
}

// The same without mergerfs: what makes a share, and all that works on one, tries links first.
func TestLinksAreTriedBeforeAnythingElse(t *testing.T) {
	root := t.TempDir()
	union := sharefs.New(root, sharefstest.Union(sharefs.OS(root)))
	_, err := furnish(union, config.Lease{})
	require.ErrorIs(t, err, sharefs.ErrInodes)
	require.NoFileExists(t, filepath.Join(root, pipeline.Cluster))
	require.ErrorIs(t, mayWork(union), sharefs.ErrInodes)
}
