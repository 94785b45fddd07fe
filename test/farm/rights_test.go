//go:build linux

package farm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// Whoever drops a folder with the usual umask keeps the daemons from taking what is in it, and so do chattr and a
// mount. No job is made, status has the reason and the command that mends it, whoever looks, doctor has it too, and the
// command mends it.
func TestWhatMayNotBeTakenIsSaidAndLeftAlone(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can be several users")
	}
	const daemon, alice = 870, 1001
	f := newFarm(t, calmTerms+fast)
	for _, dir := range []string{filepath.Dir(binary), filepath.Dir(f.dir), filepath.Dir(filepath.Dir(f.dir))} {
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	require.NoError(t, exec.Command("chown", "-R", "870:870", f.dir).Run())
	inbox := filepath.Join(f.dir, "inbox")
	source := corpus.Make(t, "two-frames.mkv")
	drop := func(folder string) string {
		dir := filepath.Join(inbox, folder)
		copyTo(t, source, filepath.Join(dir, folder+".mkv"))
		require.NoError(t, os.WriteFile(filepath.Join(dir, folder+".mkv.distenc.toml"), []byte("again = true\n"), 0o664))
		require.NoError(t, os.Chmod(dir, 0o2775))
		return dir
	}
	want := map[string]string{} // file: what is said of it
	closed := drop("umask")
	require.NoError(t, os.Chown(closed, alice, daemon))
	require.NoError(t, os.Chmod(closed, 0o2755))
	want["umask/umask.mkv"] = "user 870 may not move it out of its folder; mend it with: chmod g+rwx,g+s '" + closed + "'"

	foreign := drop("group")
	require.NoError(t, os.Chown(foreign, alice, alice))
	require.NoError(t, os.Chmod(foreign, 0o755))
	want["group/group.mkv"] = "mend it with: chgrp 870 '" + foreign + "' && chmod g+rwx,g+s '" + foreign + "'"

	sticky := drop("sticky")
	require.NoError(t, os.Chown(sticky, alice, daemon))
	require.NoError(t, os.Chmod(sticky, 0o2775|os.ModeSticky))
	want["sticky/sticky.mkv"] = "mend it with: chmod -t '" + sticky + "'"

	unread := drop("unread")
	require.NoError(t, os.Chmod(filepath.Join(unread, "unread.mkv"), 0o600))
	want["unread/unread.mkv"] = "it can't be read: permission denied; mend it with: chmod g+r '"

	unlisted := drop("unlisted")
	require.NoError(t, os.Chmod(unlisted, 0o700))
	want["unlisted/unlisted.mkv"] = "it can't be listed: permission denied; mend it with: chmod g+rwx,g+s '" + unlisted +
		"'"
	require.NoError(t, exec.Command("chown", "-R", "1001:870", unread, filepath.Join(sticky, "sticky.mkv"),
		unlisted).Run())

	fixed := filepath.Join(drop("fixed"), "fixed.mkv")
	require.NoError(t, exec.Command("chown", "-R", "870:870", filepath.Dir(fixed)).Run())
	if exec.Command("chattr", "+i", fixed).Run() == nil {
		t.Cleanup(func() { _ = exec.Command("chattr", "-i", fixed).Run() })
		want["fixed/fixed.mkv"] = "the file is immutable; mend it with: sudo chattr -i '" + fixed + "'"
	}
	mounted := filepath.Join(inbox, "mounted")
	require.NoError(t, os.Mkdir(mounted, 0o2775))
	elsewhere := t.TempDir()
	if syscall.Mount(elsewhere, mounted, "", syscall.MS_BIND, "") == nil {
		t.Cleanup(func() { _ = syscall.Unmount(mounted, syscall.MNT_DETACH) })
		drop("mounted")
		require.NoError(t, exec.Command("chown", "-R", "870:870", elsewhere).Run())
		want["mounted/mounted.mkv"] = "its folder is a mount, a subvolume or a file system of its own, and files are only " +
			"ever renamed; mend it with: mv '"
	}
	t.Logf("%d kinds", len(want))

	run := f.prepare("run", "--slots", "1")
	run.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: daemon, Gid: daemon}}
	f.launch(run)
	f.eventually("a reason for each", func() bool {
		said := map[string]string{}
		for _, w := range f.status().Inbox { // as root, who may do all that
			said[w.Name] = w.Why
		}
		for name, why := range want {
			if !strings.Contains(said[name], why) {
				return false
			}
		}
		return true
	})
	for _, dir := range []string{"jobs", "failed"} {
		left, err := os.ReadDir(filepath.Join(f.dir, dir))
		require.NoError(t, err)
		if _, ok := want["fixed/fixed.mkv"]; ok {
			require.Empty(t, left, "nothing was made for them")
		}
	}
	table := f.must("status")
	doctor := f.command("doctor")
	doctor.SysProcAttr = run.SysProcAttr
	found, _ := doctor.CombinedOutput()
	require.Contains(t, string(found), "can't be taken from: ")

	for name, why := range want {
		// its command makes another file of it
		if !strings.Contains(why, "mend it with: ") || strings.HasPrefix(name, "mounted/") {
			continue
		}
		line := table[strings.Index(table, name):]
		_, mend, _ := strings.Cut(line[:strings.Index(line, "\n")], "mend it with: ")
		out, err := exec.Command("sh", "-c", strings.TrimPrefix(mend, "sudo ")).CombinedOutput()
		require.NoError(t, err, "%s: %s", mend, out)
	}
	f.eventually("a job of each that was mended", func() bool {
		done := map[string]bool{}
		for _, j := range f.status().Jobs {
			done[j.Output] = j.State == pipeline.Done
		}
		for name := range want {
			if !strings.HasPrefix(name, "mounted/") && !done["outbox/"+name] {
				return false
			}
		}
		return true
	})
}
