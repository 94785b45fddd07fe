//go:build linux

// Package farm_test runs the real binary: real masters and workers as processes of their own on a shared
// folder, with real ffmpeg, really killed.
package farm_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/test/corpus"
)

var binary string

// sideBySide is how many tests run at once unless -parallel says otherwise: a farm mostly waits, for files to settle
// and for heartbeats.
const sideBySide = "4"

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked {
		_ = flag.Set("test.parallel", sideBySide)
	}
	dir, err := os.MkdirTemp("", "distenc-farm-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "distenc")
	_ = os.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache")) // what a run has found out is none of the user's
	build := exec.Command("go", "build", raceFlag, "-o", binary, "github.com/distenc/distenc/cmd/distenc")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// calmTerms are for tests in which nobody falls silent: no machine is so busy that a heartbeat is that late. A process
// that was killed is seen to be gone all the same.
const calmTerms = `
[watch]
settle = "1s"
poll = "500ms"
[lease]
heartbeat = "400ms"
expiry = "10m"
[split]
chunk = "2s"
`

// shortTerms are for tests in which somebody does: that is noticed after three seconds. On a busy machine others may
// fall silent too, which must only ever cost time.
var shortTerms = strings.Replace(calmTerms, `expiry = "10m"`, `expiry = "3s"`, 1)

// fast and slow are profiles, for tests that need no encode to take its time and for those that do.
const (
	fast = "[profiles.default]\nx264 = \"--preset ultrafast\"\n"
	slow = "[profiles.default]\nx264 = \"--preset slower --crf 20\"\n"
)

// farm is a share and the processes on it.
type farm struct {
	t   *testing.T
	dir string
	env []string // of its processes, beside this one's own
}

// newFarm makes a share; conf is its distenc.toml.
func newFarm(t *testing.T, conf string) *farm {
	t.Helper()
	f := &farm{t: t, dir: filepath.Join(t.TempDir(), "share")}
	f.must("init", f.dir)
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "distenc.toml"), []byte(conf), 0o644))
	return f
}

func (f *farm) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Env = append(append(os.Environ(), "DISTENC_SHARE="+f.dir), f.env...)
	return cmd
}

// must runs a command to its end and returns its stdout.
func (f *farm) must(args ...string) string {
	f.t.Helper()
	cmd := f.command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(f.t, err, "distenc %s: %s", strings.Join(args, " "), &stderr)
	return string(out)
}

// fails runs a command that must end with a certain code, and returns its stderr.
func (f *farm) fails(code int, args ...string) string {
	f.t.Helper()
	cmd := f.command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	_ = cmd.Run()
	require.Equal(f.t, code, cmd.ProcessState.ExitCode(), "distenc %s: %s", strings.Join(args, " "), &stderr)
	return stderr.String()
}

// daemon is a running master or worker.
type daemon struct {
	*exec.Cmd
	log   *lockedBuffer
	ended chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start starts a daemon; it is stopped with the test, and its log shown if the test failed.
func (f *farm) start(args ...string) *daemon {
	f.t.Helper()
	d := f.prepare(args...)
	f.launch(d)
	return d
}

func (f *farm) prepare(args ...string) *daemon {
	return &daemon{Cmd: f.command(args...), log: &lockedBuffer{}, ended: make(chan struct{})}
}

func (f *farm) launch(d *daemon) {
	f.t.Helper()
	d.Stderr, d.Stdout = d.log, d.log
	require.NoError(f.t, d.Start())
	go func() {
		defer close(d.ended)
		_ = d.Wait()
	}()
	f.t.Cleanup(func() {
		d.stop(f.t)
		if f.t.Failed() {
			f.t.Logf("%s:\n%s", strings.Join(d.Args, " "), d.log)
		}
	})
}

// stop ends a daemon gently and waits for it.
func (d *daemon) stop(t *testing.T) {
	_ = d.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(3 * time.Minute):
		_ = d.Process.Kill()
		t.Errorf("a daemon did not stop:\n%s", d.log)
	}
}

// kill is a power loss as far as one process can have one.
func (d *daemon) kill() {
	_ = d.Process.Kill()
	<-d.ended
}

// status is what `distenc status --json` prints, read without a process of its own.
func (f *farm) status() *status.Status {
	f.t.Helper()
	share, err := sharefs.Open(f.dir)
	require.NoError(f.t, err)
	s, err := status.NewReader(share, nil, 0).Read(f.t.Context())
	require.NoError(f.t, err)
	return s
}

// comes reports whether something happens within five minutes. No machine is so busy that it takes longer.
func comes(ok func() bool) bool {
	for range 1500 {
		if ok() {
			return true
		}
		time.Sleep(200 * time.Millisecond)
	}
	return false
}

// until waits for something that a process will do.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.True(t, comes(ok), "not within five minutes: "+what)
}

// eventually waits for something that a daemon will do, and shows the share's state if it does not.
func (f *farm) eventually(what string, ok func() bool) {
	f.t.Helper()
	if !comes(ok) {
		b, _ := json.MarshalIndent(f.status(), "", " ")
		require.FailNow(f.t, "not within five minutes: "+what, "%s", b)
	}
}

// job waits for the only job and returns it once it is in one of the states.
func (f *farm) job(states ...pipeline.JobState) pipeline.JobStatus {
	f.t.Helper()
	var found pipeline.JobStatus
	f.eventually(fmt.Sprintf("a job that is %v", states), func() bool {
		for _, j := range f.status().Jobs {
			for _, s := range states {
				if j.State == s {
					found = j
					return true
				}
			}
		}
		return false
	})
	return found
}

// chunkDone waits until at least n chunks are done.
func (f *farm) chunksDone(n int) {
	f.t.Helper()
	f.eventually(fmt.Sprintf("%d chunks done", n), func() bool {
		s := f.status()
		return len(s.Jobs) > 0 && s.Jobs[0].Chunks.Done >= n
	})
}

// drop copies a file into the inbox as a person would.
func (f *farm) drop(source, name string) {
	f.t.Helper()
	b, err := os.ReadFile(source)
	require.NoError(f.t, err)
	dst := filepath.Join(f.dir, "inbox", name)
	require.NoError(f.t, os.MkdirAll(filepath.Dir(dst), 0o755))
	require.NoError(f.t, os.WriteFile(dst, b, 0o644))
}

// nothingLeft waits until no chunk, lease or intermediate file is left.
func (f *farm) nothingLeft() {
	f.t.Helper()
	var left []string
	f.eventually("nothing left under chunks/ and leases/", func() bool {
		left = left[:0]
		for _, dir := range []string{"chunks", "leases"} {
			_ = filepath.Walk(filepath.Join(f.dir, dir), func(path string, info os.FileInfo, err error) error {
				if err == nil && !info.IsDir() {
					left = append(left, path)
				}
				return nil
			})
		}
		for _, pattern := range []string{"chunks/*/*-?????", "jobs/*/out/*", "jobs/*/norm.*", "jobs/*/source*"} {
			more, _ := filepath.Glob(filepath.Join(f.dir, pattern))
			left = append(left, more...)
		}
		return len(left) == 0
	})
}

// exact checks an output: every frame of the source once, in order, at its own timestamp. Matroska's tick
// is a millisecond, so half of one is allowed; where a source's clock starts anywhere (TS, PS, AVI), one
// offset for the whole file.
func exact(t *testing.T, source, output string) {
	t.Helper()
	was, _ := sources.LoadOrStore(source, sync.OnceValue(func() film {
		return film{corpus.Barcodes(t, source), corpus.PTS(t, source)}
	}))
	frames, want := was.(func() film)().frames, was.(func() film)().times
	require.Equal(t, frames, corpus.Barcodes(t, output), "frames of %s", output)
	got := corpus.PTS(t, output)
	require.Equal(t, len(want), len(got))
	offset, half := 0.0, 0.00051
	switch filepath.Ext(source) {
	case ".ts", ".mpg", ".avi":
		offset, half = seconds(got[0])-seconds(want[0]), 2*half // the offset is rounded too
	}
	for i := range want {
		require.InDelta(t, seconds(want[i])+offset, seconds(got[i]), half, "frame %d of %s", i, output)
	}
}

// sources has what was read of sources, by path: each is compared with several outputs.
var sources sync.Map

// film is the frames of a film, by the numbers that they carry, and when they are shown.
type film struct {
	frames []int
	times  []corpus.Time
}

func seconds(t corpus.Time) float64 { return float64(t.Num) / float64(t.Den) }
