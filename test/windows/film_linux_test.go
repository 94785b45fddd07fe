package windows

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/test/corpus"
)

// Where the tools for Windows are, which test/windows/tools fetches, and how many films are encoded.
const (
	windowsTools = "DISTENC_TEST_WINDOWS_TOOLS"
	filmsEnv     = "DISTENC_TEST_FILMS"
)

// farmTerms let no node fall silent that is only late on a busy machine.
const farmTerms = `
[watch]
settle = "1s"
poll = "500ms"
[lease]
heartbeat = "2s"
expiry = "30s"
[split]
chunk = "1s"
[profiles.default]
x264 = "--preset ultrafast"
`

// machine is a system with what its daemons are started with.
type machine struct {
	program []string
	share   string
	files   string // what its encoders call the share
	tools   string
}

// daemon is a process of distenc. What it says goes to a file: wine's own processes would keep a pipe open.
type daemon struct {
	*exec.Cmd
	words string
	ended chan struct{}
}

func (d *daemon) said() string {
	text, _ := os.ReadFile(d.words)
	return string(text)
}

// committed counts the chunks that a worker has encoded.
func (d *daemon) committed() int { return strings.Count(d.said(), "msg=committed") }

func (m machine) start(t *testing.T, args ...string) *daemon {
	t.Helper()
	args = append(m.program[1:len(m.program):len(m.program)], args...)
	words, err := os.CreateTemp(t.TempDir(), "words")
	require.NoError(t, err)
	defer words.Close()
	d := &daemon{Cmd: exec.Command(m.program[0], args...), words: words.Name(), ended: make(chan struct{})}
	d.Env = append(os.Environ(), "DISTENC_SHARE="+m.share, "DISTENC_TOOLS="+m.tools)
	d.Stdout, d.Stderr = words, words
	require.NoError(t, d.Start())
	go func() {
		defer close(d.ended)
		_ = d.Wait()
	}()
	t.Cleanup(func() {
		_ = d.Process.Signal(syscall.SIGTERM) // wine has none for its programs: they are gone at once
		<-d.ended
		if t.Failed() {
			t.Logf("%s:\n%s", strings.Join(args, " "), d.said())
		}
	})
	return d
}

// farmOf makes a share and what works on it.
func farmOf(t *testing.T) (share *sharefs.FS, linux, windows machine) {
	t.Helper()
	wine, tools := os.Getenv("WINE"), os.Getenv(windowsTools)
	if wine == "" || tools == "" {
		t.Skip("it needs wine and tools for it: make test-windows")
	}
	dir := t.TempDir()
	for name, system := range map[string]string{"distenc": "linux", "distenc.exe": "windows"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, name), "github.com/distenc/distenc/cmd/distenc")
		build.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	root := filepath.Join(dir, "share")
	linux = machine{[]string{filepath.Join(dir, "distenc")}, root, root, sameBuild(t, wine, tools)}
	windows = machine{[]string{wine, filepath.Join(dir, "distenc.exe")}, "Z:" + root, strings.ReplaceAll("Z:"+root, "/", `\`), "Z:" + tools}
	keepWine(t, windows)
	out, err := exec.Command(linux.program[0], "init", root).CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, os.WriteFile(filepath.Join(root, pipeline.Config), []byte(farmTerms), 0o644))
	share, err = sharefs.Open(root)
	require.NoError(t, err)
	return share, linux, windows
}

// keepWine has wine's own processes begin, and go on until the test ends. They keep the output of whoever has started
// them open, which a worker would wait for in vain.
func keepWine(t *testing.T, windows machine) {
	shell := exec.Command(windows.program[0], "cmd.exe")
	in, err := shell.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, shell.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = shell.Wait()
	})
	eventually(t, "an ffmpeg that tells its version", func() bool {
		asked := windows.start(t, "version")
		<-asked.ended
		return strings.Count(asked.said(), " version ") == 2
	})
}

// sameBuild makes a folder of tools for Linux whose encoders are the same build, as those of one film have to be: by
// wine, to which a path without a drive is one of Linux.
func sameBuild(t *testing.T, wine, tools string) string {
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec %q %q \"$@\"\n", wine, filepath.Join(tools, "ffmpeg.exe"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte(script), 0o755))
	return dir
}

// Two workers on Linux and one on Windows encode films together. The one on Windows is killed in the middle of a chunk,
// its encoder ends with it, and others go on; each frame comes out once, at its time.
func TestFilms(t *testing.T) {
	share, linux, windows := farmOf(t)
	films, _ := strconv.Atoi(os.Getenv(filmsEnv))
	leader := linux
	leader.tools = ""
	leader.start(t, "master")
	there := windows.start(t, "worker", "--slots", "1")
	eventually(t, "a worker on Windows", func() bool { return len(pipeline.Crew(share)) == 1 })
	for range 2 {
		linux.start(t, "worker", "--slots", "1")
	}
	eventually(t, "a worker of each system", func() bool { return len(pipeline.Crew(share)) == 3 })
	source := corpus.Film(t, 12)
	frames, times := corpus.Barcodes(t, source), corpus.PTS(t, source)
	byWindows := 0
	for n := range max(1, films) {
		name := "film" + strconv.Itoa(n) + ".mkv"
		film, err := os.ReadFile(source)
		require.NoError(t, err)
		if n > 0 { // another content each time
			film = append(film, byte(0xec), 0x81, byte(n)) // a Void element of EBML
		}
		require.NoError(t, os.WriteFile(share.Path("inbox/"+name), film, 0o644))
		before := there.committed()
		if n%2 == 0 {
			eventually(t, "a chunk claimed on Windows", func() bool {
				return strings.Count(there.said(), "msg=claimed") > there.committed() && len(encoders(windows.files)) > 0
			})
			measure(t, there.Process.Pid)
			require.NoError(t, there.Process.Kill())
			<-there.ended
			eventually(t, "no encoder without its worker", func() bool { return len(encoders(windows.files)) == 0 })
			byWindows += there.committed() - before
			there, before = windows.start(t, "worker", "--slots", "1"), 0
		}
		out := share.Path("outbox/" + name)
		eventually(t, "the output of "+name, func() bool {
			_, err := os.Stat(out)
			return err == nil
		})
		byWindows += there.committed() - before
		require.Equal(t, frames, corpus.Barcodes(t, out), name)
		got := corpus.PTS(t, out)
		require.Len(t, got, len(times))
		for i := range times {
			require.InDelta(t, seconds(times[i]), seconds(got[i]), 0.00051, "frame %d of %s: a tick is a millisecond", i, name)
		}
		t.Logf("%s is whole; chunks encoded on Windows so far: %d", name, byWindows)
	}
	if films > 1 {
		require.Positive(t, byWindows)
	}
	s, err := status.NewReader(share, nil, 0).Read(t.Context())
	require.NoError(t, err)
	for _, j := range s.Jobs {
		require.Equal(t, pipeline.Done, j.State, j.Error)
	}
}

// eventually waits for something for ten minutes: this machine is busy.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 3000 {
		if is() {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	require.FailNow(t, "not within ten minutes: "+what)
}

func seconds(t corpus.Time) float64 { return float64(t.Num) / float64(t.Den) }

// encoders are the processes that encode on a share, as a machine calls it.
func encoders(share string) (pids []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(line), "ffmpeg") && strings.Contains(string(line), "file:"+share) {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}

var measured = regexp.MustCompile(`(?m)^VmRSS:\s+(\d+ kB)$`)

// measure tells what a worker takes, with wine's own part of it.
func measure(t *testing.T, pid int) {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	require.NoError(t, err)
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	require.NoError(t, err)
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	t.Logf("the worker on Windows has %s, and was on processors for %s and %s ticks of 10 ms",
		measured.FindSubmatch(text)[1], f[11], f[12])
}
