//go:build linux

package farm_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// disk is a small ext4 of its own in a file, mounted, and a share.
type disk struct {
	*farm
	image string
}

func newDisk(t *testing.T, mkfs ...string) *disk {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a disk")
	}
	dir := t.TempDir()
	d := &disk{farm: &farm{t: t, dir: filepath.Join(dir, "share")}, image: filepath.Join(dir, "image")}
	require.NoError(t, os.Mkdir(d.dir, 0o755))
	require.NoError(t, os.WriteFile(d.image, nil, 0o600))
	require.NoError(t, os.Truncate(d.image, 32<<20))
	out, err := exec.Command("mkfs.ext4", append(append([]string{"-q", "-F"}, mkfs...), d.image)...).CombinedOutput()
	require.NoError(t, err, string(out))
	if out, err := exec.Command("mount", "-o", "loop", d.image, d.dir).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a disk: %s", out)
	}
	t.Cleanup(d.umount)
	require.NoError(t, os.Remove(filepath.Join(d.dir, "lost+found")))
	d.must("init", d.dir)
	return d
}

func (d *disk) umount() { require.NoError(d.t, syscall.Unmount(d.dir, syscall.MNT_DETACH)) }

func (d *disk) mount(options string) {
	d.t.Helper()
	out, err := exec.Command("mount", "-o", options, d.image, d.dir).CombinedOutput()
	require.NoError(d.t, err, string(out))
}

// says runs a command, however it ends, and returns all that it says.
func (f *farm) says(args ...string) string {
	out, _ := f.command(args...).CombinedOutput()
	f.t.Logf("distenc %s:\n%s", strings.Join(args, " "), out)
	return string(out)
}

// Whatever is wrong with a share, status and doctor tell in one sentence, and the doctor goes on to its end.
func TestStatusAndDoctorTellWhatIsWrongWithAShare(t *testing.T) {
	t.Parallel()
	const settings = "[disk]\nmin_free = \"1MiB\"\n"
	for name, c := range map[string]struct {
		mkfs   []string
		harm   func(d *disk)
		status string
		doctor string
	}{
		"the disk is full": {nil, func(d *disk) {
			require.ErrorIs(t, os.WriteFile(filepath.Join(d.dir, "outbox", "ballast"), make([]byte, 40<<20), 0o644),
				syscall.ENOSPC)
		}, "the share has only 0 B free, less than disk.min_free (1.0 MiB). Make room there.",
			"FAIL    space: share     0 B free"},
		"no inodes": {[]string{"-N", "128"}, func(d *disk) {
			var err error
			for n := 0; err == nil; n++ {
				err = os.Mkdir(filepath.Join(d.dir, "outbox", strings.Repeat("x", n+1)), 0o755)
			}
			require.ErrorIs(t, err, syscall.ENOSPC)
		}, "not for more files (0 of 128 inodes are free)", "only 0 more files"},
		"read-only": {nil, func(d *disk) { d.mount("remount,ro") },
			"it is mounted read-only here. Mount it for writing", "do:  mount it read-write"},
		"errors of the disk": {nil, func(d *disk) {
			d.umount()
			d.mount("loop") // with nothing in the cache
			require.NoError(t, os.Truncate(d.image, 200<<10))
		}, "cannot read the share: ", "FAIL    share            cannot read the share: "},
		"a file where a folder must be": {nil, func(d *disk) {
			require.NoError(t, os.RemoveAll(filepath.Join(d.dir, "chunks")))
			require.NoError(t, os.WriteFile(filepath.Join(d.dir, "chunks"), nil, 0o644))
		}, `share/chunks" is a file where distenc has a folder: move it away`,
			`share/chunks" is a file where distenc has a folder`},
		"a file where an unimportant folder must be": {nil, func(d *disk) {
			require.NoError(t, os.Remove(filepath.Join(d.dir, "leases")))
			require.NoError(t, os.WriteFile(filepath.Join(d.dir, "leases"), nil, 0o644))
		}, `share/leases" is a file where distenc has a folder: move it away`,
			`share/leases" is a file where distenc has a folder`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(t, c.mkfs...)
			require.NoError(t, os.WriteFile(filepath.Join(d.dir, "distenc.toml"), []byte(settings), 0o644))
			require.NoError(t, os.WriteFile(filepath.Join(d.dir, "inbox", "film.mkv"), []byte("x"), 0o644))
			healthy := d.says("status")
			c.harm(d)
			require.NotContains(t, healthy, c.status)
			require.Contains(t, d.says("status"), c.status)
			told := d.says("doctor")
			require.Contains(t, told, c.doctor)
			require.Regexp(t, `\d+ ok, \d+ advice, [1-9] FAIL`, told, "it goes on to its end")
		})
	}
}

// anotherFormat has a job's plan say that it is of that format.
func (f *farm) anotherFormat(job string, format int) {
	f.t.Helper()
	name := filepath.Join(f.dir, "jobs", job, "plan.json")
	plan, err := os.ReadFile(name)
	require.NoError(f.t, err)
	other := regexp.MustCompile(`"format":\d+`).ReplaceAll(plan, fmt.Appendf(nil, `"format":%d`, format))
	require.NotEqual(f.t, string(plan), string(other))
	require.NoError(f.t, os.WriteFile(name, other, 0o644))
}

// What became of a job for a reason of its own is told too.
func TestStatusTellsWhyAJobDoesNotGoOn(t *testing.T) {
	t.Parallel()
	short := strings.Replace(calmTerms, "[lease]\n", "[lease]\nattempts = 1\n", 1) +
		"pieces = \"copy\"\n[profiles.default]\nx264 = \"--preset ultrafast\"\n"
	begin := func(t *testing.T) (f *farm, job string) {
		f = newFarm(t, short)
		f.start("master")
		f.must("add", corpus.Make(t, "h264-closed.mkv"))
		j := f.job(pipeline.InWork)
		f.eventually("all chunks are there", func() bool {
			pieces, _ := filepath.Glob(filepath.Join(f.dir, pipeline.PendingDir, j.ID, "*.mkv"))
			return len(pieces) == j.Chunks.Total
		})
		return f, j.ID
	}
	t.Run("the plan is another version's", func(t *testing.T) {
		t.Parallel()
		f, job := begin(t)
		f.anotherFormat(job, 77)
		require.Regexp(t, `was written by another version of distenc \(format 77, this one reads \d+\): `+
			`let that version finish the job, or cancel it`, f.says("status"))
		f.must("worker", "--slots", "1", "--until-idle") // it does not wait for a job that waits for a person
	})
	t.Run("a chunk was set aside and others go on", func(t *testing.T) {
		t.Parallel()
		f, job := begin(t)
		dir, _ := brokenFFmpeg(t)
		w := f.command("worker", "--slots", "1", "--max-chunks", "1")
		w.Env = append(w.Env, "PATH="+dir+":"+os.Getenv("PATH"))
		out, err := w.CombinedOutput()
		require.NoError(t, err, string(out))
		f.eventually("a chunk is set aside", func() bool { return f.status().Jobs[0].Chunks.Failed == 1 })
		status := f.says("status")
		require.Regexp(t, `chunk `+job+`\.0000\d was set aside: .+`, status)
		require.Contains(t, status, "The job's other chunks are encoded all the same. Once the cause is mended: `distenc "+
			"retry "+job+"`")
	})
	t.Run("the source was given back", func(t *testing.T) {
		t.Parallel()
		f, job := begin(t)
		source, err := os.OpenFile(filepath.Join(f.dir, "jobs", job, "source.mkv"), os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = source.WriteString("and more of the copy")
		require.NoError(t, err)
		require.NoError(t, source.Close())
		f.start("worker", "--slots", "1")
		f.job(pipeline.Cancelled)
		require.Contains(t, f.says("status"), "Given back to the inbox: it changed after it had been taken in: the copy "+
			"was not finished")
	})
	t.Run("the plan is an earlier version's", func(t *testing.T) {
		t.Parallel()
		f := newFarm(t, short)
		master := f.start("master")
		f.must("add", corpus.Make(t, "h264-closed.mkv"))
		j := f.job(pipeline.InWork)
		master.stop(t)
		f.anotherFormat(j.ID, 2)
		f.start("run", "--until-idle")
		f.eventually("the film is encoded anew", func() bool {
			return slices.ContainsFunc(f.status().Jobs, func(j pipeline.JobStatus) bool { return j.State == pipeline.Done })
		})
		require.Contains(t, f.says("status", "--all"), "Given back to the inbox: it was begun by an earlier version of "+
			"distenc, and begins anew")
		require.FileExists(t, filepath.Join(f.dir, "outbox", "h264-closed.mkv"))
	})
}
