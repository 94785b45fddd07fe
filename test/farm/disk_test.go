//go:build linux

package farm_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// Fault 15: the disk is full in the middle of a job. Nothing is lost and nothing set aside; once there
// is room, the job goes on by itself.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "share")
	require.NoError(t, os.Mkdir(dir, 0o755))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	f := &farm{t: t, dir: dir}
	f.must("init", dir)
	conf := calmTerms + "[disk]\nmin_free = \"0\"\n[profiles.default]\nx264 = \"--preset veryfast --qp 4\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "distenc.toml"), []byte(conf), 0o644))
	source := corpus.Make(t, "hi10p-fansub.mkv")
	f.must("add", source)
	f.start("master")
	f.eventually("all is cut", func() bool {
		s := f.status()
		return len(s.Jobs) == 1 &&
			s.Jobs[0].State == pipeline.InWork
	})

	var st syscall.Statfs_t
	require.NoError(t, syscall.Statfs(dir, &st))
	ballast := filepath.Join(dir, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, int64(st.Bavail)*st.Bsize-300<<10), 0o644))
	w := f.start("worker", "--slots", "2")
	f.eventually("the worker says that the disk is full", func() bool {
		for _, n := range f.status().Nodes {
			if n.Why != "" {
				return true
			}
		}
		return false
	})
	require.Zero(t, f.status().Jobs[0].Chunks.Failed)
	require.NoError(t, os.Remove(ballast))
	w.stop(t) // a new one does not rest
	f.start("worker", "--slots", "2")
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	exact(t, source, filepath.Join(dir, j.Output))
	f.nothingLeft()
}
