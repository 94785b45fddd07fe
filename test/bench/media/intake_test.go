//go:build linux

package media_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestIntake: a folder of short films that is dropped at once, until all are planned, by a master that no worker
// helps or disturbs. Against it ffprobe lists the packets of each, as many side by side as there are cores: nobody can
// promise each frame who has not read that. When a quarter is planned an urgent film comes.
func TestIntake(t *testing.T) {
	only(t)
	n, err := strconv.Atoi(cmp.Or(clipsAsked, "60"))
	require.NoError(t, err)
	clips := manyClips(t, n)
	var s sides
	var passed, waited []string
	for range times(t, 5) {
		share := clipsShare(t, clips)
		s.theirs = append(s.theirs, measure(func() { listClips(t, clips) }))
		s.ours = append(s.ours, measure(func() {
			before, took := intake(t, share, n)
			passed, waited = append(passed, strconv.Itoa(before)), append(waited, fmt.Sprintf("%.1f s", took.Seconds()))
		}))
	}
	head(fmt.Sprintf("Intake of %d films of 2 to 5 s, 720p", n))
	s.tell(t, "from the start of the master to the last plan", "a shell loop of ffprobe -show_packets")
	fmt.Printf("\nAn urgent film, dropped when a quarter was planned, was planned after %v others, in %v.\n", passed, waited)
}

func listClips(t *testing.T, dir string) {
	t.Helper()
	run(t, "sh", "-c", `ls "$1"/* | xargs -d '\n' -P "$2" -n 1 ffprobe -v error -show_streams -show_packets -of compact \
		-o /dev/null`, "sh", dir, strconv.Itoa(runtime.NumCPU()))
}

// intake runs a master until it has planned n films and an urgent one, and returns how many plans came between that
// film and its own, and how long that took.
func intake(t *testing.T, share string, n int) (before int, took time.Duration) {
	t.Helper()
	var said bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	master := exec.CommandContext(ctx, binary, "master", "--share", share, "--log-level", "warn")
	master.Cancel = func() error { return master.Process.Signal(syscall.SIGTERM) }
	master.Stdout, master.Stderr = &said, &said
	require.NoError(t, master.Start())
	plans := func() []string {
		all, err := filepath.Glob(filepath.Join(share, "jobs", "*", "plan.json"))
		require.NoError(t, err)
		return all
	}
	wait := func(enough func() bool) {
		for deadline := time.Now().Add(time.Hour); !enough(); time.Sleep(20 * time.Millisecond) {
			require.Less(t, time.Now(), deadline, said.String())
		}
	}
	wait(func() bool { return len(plans()) >= n/4 })
	urgent := filepath.Join(t.TempDir(), "urgent.mkv")
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=640x360:d=2", urgent)
	began, had := time.Now(), len(plans())
	run(t, binary, "add", urgent, "--priority", "10", "--share", share)
	mine := func() bool {
		found, err := filepath.Glob(filepath.Join(share, "jobs", "*", "source.mkv"))
		require.NoError(t, err)
		for _, source := range found {
			info, err := os.Stat(urgent)
			require.NoError(t, err)
			if here, err := os.Stat(source); err == nil && here.Size() == info.Size() {
				_, err := os.Stat(filepath.Join(filepath.Dir(source), "plan.json"))
				return err == nil
			}
		}
		return false
	}
	wait(mine)
	before, took = len(plans())-had-1, time.Since(began)
	wait(func() bool { return len(plans()) == n+1 })
	cancel()
	_ = master.Wait()
	return before, took
}
