//go:build unix

package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/distenc/distenc/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// event is what has happened to a job, by its state.
func event(j pipeline.JobStatus) *pipeline.Untold {
	kind := pipeline.EventStarted
	switch j.State {
	case pipeline.Done, pipeline.Skipped:
		kind = pipeline.EventDone
	case pipeline.JobFailed:
		kind = pipeline.EventFailed
	}
	return pipeline.NewUntold(nil, j.ID, Receiver, pipeline.Event{Kind: kind, Job: j})
}

// runAll runs the hooks for the jobs to their end and returns the log.
func runAll(h Hooks, jobs ...pipeline.JobStatus) string {
	var log bytes.Buffer
	r := New(func() Hooks { return h }, slog.New(slog.NewTextHandler(&log, nil)))
	for _, j := range jobs {
		r.Tell(event(j))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.Run(ctx)
	return log.String()
}

func TestAHookGetsTheJob(t *testing.T) {
	out := filepath.Join(t.TempDir(), "job.json")
	log := runAll(Hooks{Done: []string{"/bin/sh", "-c", `cat > "$0"; echo "told alice"`, out}, Timeout: time.Minute},
		pipeline.JobStatus{ID: "abcdef01-aaaaa", Name: "a.mkv", State: pipeline.Done, Output: "outbox/a.mkv"},
		pipeline.JobStatus{ID: "abcdef01-bbbbb", State: pipeline.JobFailed},
		pipeline.JobStatus{ID: "abcdef01-ccccc", State: pipeline.InWork})
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	var j pipeline.JobStatus
	require.NoError(t, json.Unmarshal(data, &j))
	require.Equal(t, "abcdef01-aaaaa", j.ID)
	require.Equal(t, "outbox/a.mkv", j.Output)
	require.Contains(t, log, `msg="hook: told alice"`)
	require.Equal(t, 1, strings.Count(log, "\n"))
}

func TestAHookThatFailsIsLogged(t *testing.T) {
	failed := pipeline.JobStatus{ID: "abcdef01-aaaaa", State: pipeline.JobFailed}
	log := runAll(Hooks{Failed: []string{"/bin/sh", "-c", "exit 3"}, Timeout: time.Minute}, failed)
	require.Contains(t, log, "exit status 3")
	log = runAll(Hooks{Failed: []string{"/nonexistent"}, Timeout: time.Minute}, failed)
	require.Contains(t, log, "no such file")
}

// One that hangs, and ignores SIGTERM, and has children, is gone after the time limit.
func TestAHookThatHangsIsStopped(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	log := runAll(Hooks{Done: []string{"/bin/sh", "-c", `sleep 1000 & echo $! > "$0"; wait`, pids},
		Timeout: 300 * time.Millisecond},
		pipeline.JobStatus{ID: "abcdef01-aaaaa", State: pipeline.Done})
	require.Contains(t, log, "stopped: it took longer than hooks.timeout (300ms)")
	data, err := os.ReadFile(pids)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ") || syscall.Kill(pid, 0) != nil
	}, 10*time.Second, 20*time.Millisecond)
}

func TestAHookThatReadsNothingAndOneThatPrintsWithoutEnd(t *testing.T) {
	big := pipeline.JobStatus{ID: "abcdef01-aaaaa", State: pipeline.Done, Error: strings.Repeat("x", 1<<20)}
	require.Empty(t, runAll(Hooks{Done: []string{"/bin/true"}, Timeout: time.Minute}, big))
	log := runAll(Hooks{Done: []string{"/bin/sh", "-c", "yes | head -c 10000000"}, Timeout: time.Minute}, big)
	require.Less(t, len(log), 100*maxOutput)
	require.NotContains(t, log, "failed")
}

func TestTellNeverWaits(t *testing.T) {
	var log bytes.Buffer
	r := New(func() Hooks { return Hooks{Done: []string{"/bin/true"}} }, slog.New(slog.NewTextHandler(&log, nil)))
	for range waiting + 1 {
		r.Tell(event(pipeline.JobStatus{ID: "abcdef01-aaaaa", State: pipeline.Done}))
	}
	require.Contains(t, log.String(), "too many hooks are waiting")
}

// What the daemon was started with is nothing to a program that tells somebody of a film.
func TestAHookGetsAPlainEnvironment(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
	t.Setenv("DISTENC_SHARE", "/mnt/distenc")
	t.Setenv("LD_PRELOAD", "")
	t.Setenv("PATH", "/tmp/mine")
	t.Setenv("HOME", "/home/alice")
	out := filepath.Join(t.TempDir(), "env")
	runAll(Hooks{Done: []string{"/bin/sh", "-c", `/usr/bin/env > "$0"`, out}, Timeout: time.Minute},
		pipeline.JobStatus{State: pipeline.Done})
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, string(data), "HOME=/home/alice\n")
	for _, name := range []string{"NOTIFY_SOCKET", "DISTENC_SHARE", "LD_PRELOAD", "/tmp/mine"} {
		require.NotContains(t, string(data), name)
	}
}

// In short it has the job in variables too, however long they are.
func TestAHookGetsTheJobInVariables(t *testing.T) {
	out := filepath.Join(t.TempDir(), "env")
	log := runAll(Hooks{Started: []string{"/bin/sh", "-c", `/usr/bin/env > "$0"`, out}, Timeout: time.Minute},
		pipeline.JobStatus{
			ID: "abcdef01-aaaaa", Name: "a.mkv", State: pipeline.InWork, Size: 5000, OutputSize: 50, Output: "outbox/a.mkv",
			Origin: pipeline.Origin{Folder: "series/one", Profile: "tablet"}, Error: strings.Repeat("x", 1<<20),
		})
	require.Empty(t, log)
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	for _, line := range []string{
		"EVENT=started", "JOB=abcdef01-aaaaa", "NAME=a.mkv", "FOLDER=series/one", "PROFILE=tablet", "STATE=encoding",
		"SIZE=5000", "OUTPUT=outbox/a.mkv", "OUTPUT_SIZE=50", "ERROR=" + strings.Repeat("x", maxValue),
	} {
		require.True(t, strings.Contains("\n"+string(data), "\nDISTENC_HOOK_"+line+"\n"), line[:min(len(line), 50)])
	}
}
