package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
)

func shell(script string) Command { return Command{Program: "/bin/sh", Args: []string{"-c", script}} }

func TestRunKeepsTheBeginningAndTheEndOfStderr(t *testing.T) {
	var tools Tools
	_, err := tools.Run(context.Background(),
		shell(`echo "who I am" >&2; head -c 100000 /dev/zero | tr '\0' x >&2; echo; echo "the reason" >&2; exit 7`))
	var exit *ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 7, exit.Code)
	require.LessOrEqual(t, len(exit.Stderr), tailSize)
	require.True(t, strings.HasPrefix(exit.Stderr, "who I am\n"))
	require.True(t, strings.HasSuffix(exit.Stderr, "the reason"))
}

// Who is told to end by somebody else says nothing of what it was at: a scheduler tells all processes of a job at once.
func TestAChildThatIsToldToEndBlamesNothing(t *testing.T) {
	var tools Tools
	for sig, trouble := range map[syscall.Signal]bool{
		syscall.SIGTERM: true, syscall.SIGINT: true, syscall.SIGHUP: true, syscall.SIGKILL: false, syscall.SIGSEGV: false,
	} {
		if signal.Ignored(sig) {
			continue // a child inherits that: nohup(1), a job in the background
		}
		_, err := tools.Run(t.Context(), shell(fmt.Sprintf("kill -%d $$", sig)))
		var exit *ExitError
		require.ErrorAs(t, err, &exit, sig)
		require.Equal(t, trouble, sharefs.Trouble(err), "%s: %v", sig, err)
	}
}

// A short output meets the full disk only when its buffer is flushed at the end: ffmpeg says so and exits
// with 0.
func TestAnOutputThatDidNotFitIsAnError(t *testing.T) {
	tools, err := Find(nil)
	require.NoError(t, err)
	_, err = tools.Run(context.Background(), Command{Program: tools.FFmpeg, Args: append(BaseArgs(),
		"-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.2", "-c:v", "libx264", "-f", "h264", "/dev/full",
	)})
	var exit *ExitError
	require.ErrorAs(t, err, &exit)
	require.ErrorContains(t, err, "No space left")
}

func TestRunEndsAGroupThatIgnoresSigterm(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("the claim is gone")
	var tools Tools
	c := shell(`trap '' TERM; sleep 1000 & echo $!; while :; do sleep 1; done`)
	out := &limitedBuffer{limit: 100}
	c.Stdout = out
	c.Started = func(p *Process) {
		go func() { time.Sleep(200 * time.Millisecond); _ = p.Pause(); cancel(why) }()
	}
	_, err := tools.Run(ctx, c)
	require.ErrorIs(t, err, why)
	grandchild, err := strconv.Atoi(strings.TrimSpace(string(out.buf)))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !running(grandchild) }, 10*time.Second, 20*time.Millisecond)
}

// running is false for a zombie too: nobody may be there to reap an orphan in a container.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	return fields[0] != "Z" && fields[0] != "X"
}

func TestPauseResumeAndCPU(t *testing.T) {
	var tools Tools
	c := shell(`while :; do :; done`)
	ctx, cancel := context.WithCancel(context.Background())
	c.Nice = 19
	var proc *Process
	c.Started = func(p *Process) {
		proc = p
		go func() {
			defer cancel()
			spent := func() time.Duration { d, _ := p.CPU(); return d }
			waitFor := func(ok func() bool) {
				for end := time.Now().Add(20 * time.Second); !ok() && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				}
			}
			waitFor(func() bool { return spent() > 50*time.Millisecond })
			if nice, _ := syscall.Getpriority(syscall.PRIO_PROCESS, p.PID()); nice != 20-19 {
				t.Error("nice was not set")
			}
			if err := p.Pause(); err != nil {
				t.Error(err)
			}
			time.Sleep(50 * time.Millisecond) // the signal arrives
			before := spent()
			time.Sleep(200 * time.Millisecond)
			if spent() != before {
				t.Error("a paused process went on")
			}
			if err := p.Resume(); err != nil {
				t.Error(err)
			}
			waitFor(func() bool { return spent() > before })
			if spent() <= before {
				t.Error("a resumed process did not go on")
			}
		}()
	}
	_, err := tools.Run(ctx, c)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, proc.Pause(), os.ErrProcessDone)
	_, err = proc.CPU()
	require.Error(t, err)
}

func TestChildMayOpenManyFiles(t *testing.T) {
	var hard syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &hard))
	var tools Tools
	out, err := tools.Output(context.Background(), 100, "/bin/sh", "-c", "ulimit -n")
	require.NoError(t, err)
	got := strings.TrimSpace(string(out))
	if got != "unlimited" {
		n, err := strconv.ParseUint(got, 10, 64)
		require.NoError(t, err)
		require.Equal(t, hard.Max, n)
	}
}

func TestOutputIsBounded(t *testing.T) {
	var tools Tools
	_, err := tools.Output(context.Background(), 10, "/bin/echo", "0123456789")
	require.ErrorContains(t, err, "printed more than 10 bytes")
	_, err = tools.Output(t.Context(), 1000, "/usr/bin/yes") // which never ends by itself
	var limit *LimitError
	require.ErrorAs(t, err, &limit)
	require.True(t, limit.Lasting())
}

// slowReader takes the first bytes when it has waited.
type slowReader struct {
	wait time.Duration
	got  int
}

func (r *slowReader) Write(b []byte) (int, error) {
	time.Sleep(r.wait)
	r.wait = 0
	r.got += len(b)
	return len(b), nil
}

// What reads two children side by side can be much later than the end of one of them.
func TestASlowReaderGetsAllOfTheOutput(t *testing.T) {
	t.Parallel()
	c := shell("head -c 60000 /dev/zero")
	out := &slowReader{wait: killGrace + time.Second}
	c.Stdout = out
	_, err := Tools{}.Run(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, 60000, out.got)
}

// What has left its parent's group, with its output still open, is not waited for after the end.
func TestRunEndsThoughAStrangerHasItsOutput(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := shell("setsid sleep 60 2>/dev/null & echo $!; while [ $(ps -o sid= -p $!) -ne $! ]; do sleep 0.1; done")
	out := &limitedBuffer{limit: 100}
	c.Stdout = out
	c.Started = func(p *Process) {
		go func() {
			for err := error(nil); !errors.Is(err, errEnded); time.Sleep(20 * time.Millisecond) {
				_, err = p.CPU()
			}
			cancel()
		}()
	}
	_, err := Tools{}.Run(ctx, c)
	require.ErrorIs(t, err, context.Canceled)
	stranger, err := strconv.Atoi(strings.TrimSpace(string(out.buf)))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(stranger, syscall.SIGKILL))
}

func TestCommandLineCanBePasted(t *testing.T) {
	var log bytes.Buffer
	tools := Tools{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	_, err := tools.Run(context.Background(), Command{Program: "/bin/true"})
	require.NoError(t, err)
	require.Contains(t, log.String(), "/bin/true")
	args := []string{"it's", "a b", "$HOME", "new\nline", "", "-x", "*"}
	out, err := exec.Command("/bin/sh", "-c", ShellLine("printf", append([]string{"%s|"}, args...))).Output()
	require.NoError(t, err)
	require.Equal(t, strings.Join(args, "|")+"|", string(out))
}

// TestNoChildOutlivesAKilledParent starts this test binary again, which starts ffmpeg through Run,
// kills it with SIGKILL, and looks for ffmpeg.
func TestNoChildOutlivesAKilledParent(t *testing.T) {
	dir := t.TempDir()
	if pidFile := os.Getenv("MEDIA_TEST_PID_FILE"); pidFile != "" {
		_, _ = tools(t).Run(context.Background(), Command{
			Program: "ffmpeg",
			Args:    []string{"-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc", "-f", "null", "-"},
			Started: func(p *Process) { _ = os.WriteFile(pidFile, []byte(strconv.Itoa(p.PID())), 0o600) },
		})
		return
	}
	pidFile := filepath.Join(dir, "pid")
	parent := exec.Command(os.Args[0], "-test.run=^TestNoChildOutlivesAKilledParent$")
	parent.Env = append(os.Environ(), "MEDIA_TEST_PID_FILE="+pidFile)
	require.NoError(t, parent.Start())
	var child int
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(pidFile)
		if err != nil {
			return false
		}
		child, err = strconv.Atoi(string(text))
		return err == nil
	}, 20*time.Second, 20*time.Millisecond)
	require.True(t, running(child))
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	require.Eventually(t, func() bool { return !running(child) }, 10*time.Second, 20*time.Millisecond)
}

func TestProgress(t *testing.T) {
	type step struct {
		frames int
		size   int64
	}
	var got []step
	p := NewProgress(func(frames int, size int64) { got = append(got, step{frames, size}) })
	text := "frame=0\ntotal_size=N/A\nprogress=continue\nframe=12\nfps=3\ntotal_size=4096\nprogress=continue\nframe=x\nprogress=end\n"
	for i := range len(text) {
		_, err := p.Write([]byte(text[i : i+1]))
		require.NoError(t, err)
	}
	require.Equal(t, []step{{0, 0}, {12, 4096}, {12, 4096}}, got)
}

func TestIdleIOIsSet(t *testing.T) {
	for _, idle := range []bool{true, false} {
		var class uintptr
		tools := Tools{IdleIO: idle}
		_, err := tools.Run(t.Context(), Command{Program: "/bin/sleep", Args: []string{"0.1"}, Started: func(p *Process) {
			prio, _, _ := syscall.Syscall(syscall.SYS_IOPRIO_GET, ioprioWhoPgrp, uintptr(p.PID()), 0)
			class = prio >> 13
		}})
		require.NoError(t, err)
		require.Equal(t, idle, class == ioprioIdle>>13)
	}
}

// A child that has no threads or memory to spare says so in its own words; a file's name in them says nothing.
func TestAChildsWordsAreErrors(t *testing.T) {
	var tools Tools
	_, err := tools.Run(t.Context(), shell("echo 'cannot do it: Resource temporarily unavailable' >&2; exit 1"))
	require.ErrorIs(t, err, syscall.EAGAIN)
	require.False(t, Blames(err))
	named := shell(`echo "$1: Invalid data found" >&2; exit 1`)
	named.Args = append(named.Args, "sh", "/films/No space left on device.mkv")
	_, err = tools.Run(t.Context(), named)
	require.NotErrorIs(t, err, syscall.ENOSPC)
	require.True(t, Blames(err))
}

// ffmpeg says nothing of a thread that x264 could not have, but that the settings may be wrong.
func TestAnEncoderWithoutThreadsIsNotBlamed(t *testing.T) {
	tools, err := Find(nil)
	require.NoError(t, err)
	encode := tools.FFmpeg + ` -v warning -f lavfi -i testsrc2=s=64x64:d=1 -c:v libx264 `
	_, err = tools.Run(t.Context(), shell("setpriv --reuid=65533 --clear-groups prlimit --nproc=8 "+encode+"-threads 16 "+
		"-f null -"))
	require.Error(t, err)
	if strings.Contains(err.Error(), "setpriv") {
		t.Skip("this user may not become another: ", err)
	}
	require.False(t, Blames(err), "%v", err)
	require.True(t, sharefs.Trouble(err))
	_, err = tools.Run(t.Context(), shell(encode+"-profile:v baseline -pix_fmt yuv444p -f null -"))
	require.Error(t, err)
	require.True(t, Blames(err), "%v", err)
}

// ffmpeg 5.1 ends with "Device or resource busy" over such a header: tried again, the file would stay in the inbox for
// ever.
func TestASizeThatIsInvalidIsTheFilesFault(t *testing.T) {
	name := filepath.Join(t.TempDir(), "million.y4m")
	header := "YUV4MPEG2 W1000000 H1000000 F25:1 Ip A1:1 C420jpeg\nFRAME\n"
	require.NoError(t, os.WriteFile(name, []byte(header), 0o600))
	found, err := Find(nil)
	require.NoError(t, err)
	_, err = found.Probe(t.Context(), name)
	require.ErrorContains(t, err, "million.y4m")
	require.True(t, Blames(err), "%v", err)
}

// A trial that crashed, hung or was refused would end like that again; one that somebody killed tells nothing.
func TestWhatSettlesATrial(t *testing.T) {
	for script, settles := range map[string]bool{
		"exit 1": true, "kill -SEGV $$": true, "exec sleep 100000": true, "kill -KILL $$": false,
	} {
		_, err := hurried.Run(t.Context(), shell(script))
		require.Error(t, err, script)
		require.Equal(t, settles, Settles(err), "%s: %v", script, err)
	}
	require.False(t, Settles(context.Canceled))
	require.False(t, Settles(nil))
}

// The addresses of notices and a token may stand in our environment. They are nothing to a child.
func TestAChildDoesNotGetOurSettings(t *testing.T) {
	t.Setenv("DISTENC_NOTIFY_URLS", "ntfy://alice:secret@example.org/films")
	t.Setenv("DISTENC_TOKEN", "secret")
	t.Setenv("FONTCONFIG_PATH", "/etc/fonts")
	out, err := Tools{}.Output(t.Context(), 1<<20, "/usr/bin/env")
	require.NoError(t, err)
	require.Contains(t, string(out), "FONTCONFIG_PATH=/etc/fonts\n")
	require.NotContains(t, string(out), "DISTENC_")
}
