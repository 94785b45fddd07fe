package media

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"
)

// playing is the variable that has this test binary play a child.
const playing = "MEDIA_TEST_PART"

func TestMain(m *testing.M) {
	switch role, argument, _ := strings.Cut(os.Getenv(playing), " "); role {
	case "spin":
		for n := 0; ; n++ {
			runtime.KeepAlive(n)
		}
	case "sleep":
		time.Sleep(time.Hour)
	case "exit":
		code, _ := strconv.ParseUint(argument, 0, 32)
		windows.ExitProcess(uint32(code))
	case "print":
		for _, arg := range os.Args[1:] {
			fmt.Printf("%q\n", arg)
		}
	case "parent": // starts a child through Run
		_ = os.Setenv(playing, "sleep")
		_, _ = Tools{}.Run(context.Background(), Command{Program: os.Args[0], Started: func(p *Process) {
			_ = os.WriteFile(argument, []byte(strconv.Itoa(p.PID())), 0o600)
		}})
	default:
		os.Exit(m.Run())
	}
}

// child is this test binary in a role.
func child(t *testing.T, role string, args ...string) Command {
	t.Setenv(playing, role)
	return Command{Program: os.Args[0], Args: args}
}

// alive looks for a process.
func alive(pid int) bool {
	h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return false
	}
	defer windows.CloseHandle(h)
	event, err := windows.WaitForSingleObject(h, 0)
	return err == nil && event == uint32(windows.WAIT_TIMEOUT)
}

func soon(t *testing.T, is func() bool) {
	t.Helper()
	require.Eventually(t, is, time.Minute, 10*time.Millisecond)
}

func TestPauseResumeAndCPU(t *testing.T) {
	c := child(t, "spin")
	c.Nice = 19
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan *Process, 1)
	c.Started = func(p *Process) { started <- p }
	ended := make(chan error, 1)
	go func() {
		_, err := Tools{IdleIO: true}.Run(ctx, c)
		ended <- err
	}()
	p := <-started
	spent := func() time.Duration { d, _ := p.CPU(); return d }
	soon(t, func() bool { return spent() > 0 })
	class, err := windows.GetPriorityClass(p.process)
	require.NoError(t, err)
	require.EqualValues(t, windows.IDLE_PRIORITY_CLASS, class)
	require.Positive(t, p.Memory())
	require.Positive(t, ChildrenCPU())

	require.NoError(t, p.Pause())
	require.NoError(t, p.Pause(), "once more is once")
	require.True(t, p.waits())
	var before time.Duration
	soon(t, func() bool { // it stands still, once it has heard of it
		before = spent()
		time.Sleep(time.Second)
		return spent() == before
	})
	require.NoError(t, p.Resume())
	soon(t, func() bool { return spent() > before })

	require.NoError(t, p.Pause())
	cancel() // what is paused ends as well
	require.ErrorIs(t, <-ended, context.Canceled)
	require.ErrorIs(t, p.Pause(), os.ErrProcessDone)
	_, err = p.CPU()
	require.ErrorIs(t, err, errEnded)
	require.False(t, alive(p.PID()))
	require.GreaterOrEqual(t, ChildrenCPU(), before)
}

// A job that ends gives its processes an exit code; that it was ended is known all the same.
func TestAChildThatIsEndedHasNotSucceeded(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the claim is gone")
	c := child(t, "sleep")
	c.Started = func(*Process) { cancel(why) }
	_, err := Tools{}.Run(ctx, c)
	require.ErrorIs(t, err, why)
}

func TestExitCodes(t *testing.T) {
	for role, is := range map[string]struct {
		code    int
		settles bool
	}{
		"exit 7":          {7, true},
		"exit 0xffffffea": {0xea, true}, // ffmpeg's -EINVAL
		"exit 0xbebbb1b7": {0xb7, true}, // AVERROR_INVALIDDATA
		"exit 0xc0000005": {-1, true},   // crashed
		"exit 0xc000013a": {-1, false},  // ended by Ctrl-C
		"exit 0xc0000135": {unstarted, false},
	} {
		_, err := Tools{}.Run(t.Context(), child(t, role))
		var exit *ExitError
		require.ErrorAs(t, err, &exit, role)
		require.Equal(t, is.code, exit.Code, role)
		require.Equal(t, is.settles, Settles(err), "%s: %v", role, err)
	}
}

func TestArgumentsArriveAsTheyAre(t *testing.T) {
	args := []string{`a b`, `say "hi"`, `C:\folder\`, `\\server\share\a b.mkv`, `file:C:\x y\`, "%PATH%", "", "映.mkv", `a\"b`, "^&|<>"}
	out := &limitedBuffer{limit: 10_000}
	c := child(t, "print", args...)
	c.Stdout = out
	_, err := Tools{}.Run(t.Context(), c)
	require.NoError(t, err)
	want := ""
	for _, arg := range args {
		want += fmt.Sprintf("%q\n", arg)
	}
	require.Equal(t, want, string(out.buf))
}

// The kernel closes a killed process's handles, of its children's jobs as well.
func TestNoChildOutlivesAKilledParent(t *testing.T) {
	file := filepath.Join(os.TempDir(), fmt.Sprintf("distenc-media-%d.pid", os.Getpid()))
	t.Cleanup(func() { _ = os.Remove(file) })
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), playing+"=parent "+file)
	require.NoError(t, parent.Start())
	pid := 0
	soon(t, func() bool {
		text, _ := os.ReadFile(file)
		pid, _ = strconv.Atoi(string(text))
		return pid > 0
	})
	require.True(t, alive(pid))
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	soon(t, func() bool { return !alive(pid) })
}

func TestMemoryOfTheMachine(t *testing.T) {
	free, most := Memory()
	require.Positive(t, free)
	require.GreaterOrEqual(t, most, free)
}
