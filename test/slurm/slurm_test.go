package slurm

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/test/corpus"
)

func TestSlurm(t *testing.T) {
	if os.Getenv("DISTENC_TEST_SLURM") == "" {
		t.Skip("DISTENC_TEST_SLURM is not set: make test-slurm")
	}
	bin := t.TempDir()
	out, err := exec.Command("go", "build", "-o", bin, "github.com/distenc/distenc/cmd/distenc").CombinedOutput()
	require.NoError(t, err, string(out))
	c := newCluster(t)
	for name, test := range map[string]func(*testing.T, *cluster, *share){
		"a cancelled task":  testCancelledTask,
		"the time limit":    testTimeLimit,
		"a requeued task":   testRequeuedTask,
		"nothing is to do":  testNothingToDo,
		"a film that waits": testFilmThatWaits,
	} {
		t.Run(name, func(t *testing.T) {
			of := *c
			of.t = t
			test(t, &of, newShare(t, bin))
		})
	}
}

// Eight tasks encode a film, and one of them is cancelled while all of them encode: what it had goes to the others at
// once, which is no failure.
func testCancelledTask(t *testing.T, c *cluster, s *share) {
	s.master()
	release := s.hold()
	film := s.add()
	job := c.submit(s, "--array=1-8", "--cpus-per-task=1")
	s.encoding(8)
	for _, n := range s.status().Nodes {
		require.Equal(t, 1, n.Slots, "as many as the task has processors, whatever the machine has")
	}
	c.must("scancel", job+"_3")
	c.state(job, 3, "CANCELLED")
	s.encoding(7)
	release()
	s.exact(film)
	for n := 1; n <= 8; n++ {
		if n != 3 {
			require.Equal(t, "0:0", c.state(job, n, "COMPLETED")["ExitCode"])
		}
	}
	s.noFailures()
}

// A task that comes to its time limit hands its work back before Slurm kills it.
func testTimeLimit(t *testing.T, c *cluster, s *share) {
	s.master()
	release := s.hold()
	film := s.add()
	job := c.submit(s, "--array=1", "--cpus-per-task=2")
	s.encoding(1)
	c.ends(job, 1)
	require.Equal(t, "130:0", c.state(job, 1, "FAILED")["ExitCode"])
	require.Contains(t, s.log(job, 1), `"handed back"`)
	s.encoding(0)
	release()
	c.submit(s, "--array=1", "--cpus-per-task=2")
	s.exact(film)
	s.noFailures()
}

// A task that is requeued, as Slurm does with those of a node that failed, begins again as another node: after two
// minutes, which is Slurm's own. (Made to begin sooner it may be given the end of its first life for its second's.)
func testRequeuedTask(t *testing.T, c *cluster, s *share) {
	s.master()
	release := s.hold()
	film := s.add()
	job := c.submit(s, "--array=1", "--cpus-per-task=1")
	s.encoding(1)
	first := s.nodes()
	c.must("scontrol", "requeue", job+"_1")
	until(t, "another worker", func() bool { now := s.nodes(); return len(now) == 1 && now[0] != first[0] })
	s.encoding(1)
	require.Equal(t, "1", c.task(job, 1)["Restarts"])
	release()
	s.exact(film)
	s.noFailures()
}

// Tasks end at once where nothing is to be done, and do not wait for a film that nobody is there to take.
func testNothingToDo(t *testing.T, c *cluster, s *share) {
	job := c.submit(s, "--array=1-2", "--cpus-per-task=1")
	for n := 1; n <= 2; n++ {
		require.Equal(t, "0:0", c.state(job, n, "COMPLETED")["ExitCode"])
	}
	s.add()
	job = c.submit(s, "--array=1", "--cpus-per-task=1")
	c.state(job, 1, "COMPLETED")
	require.Contains(t, s.log(job, 1), "no master is there that would take")
}

// Tasks that were submitted with a film are there when it has become a job, which takes its time: here it has to stand
// still first. What follows the script's name goes to the worker.
func testFilmThatWaits(t *testing.T, c *cluster, s *share) {
	s.configure(strings.Replace(terms, `settle = "1s"`, `settle = "15s"`, 1))
	s.master()
	film := corpus.Film(t, 12)
	data, err := os.ReadFile(film)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, pipeline.Inbox, filepath.Base(film)), data, 0o644))
	job := c.submit(s, "--array=1", "--cpus-per-task=1")
	s.exact(film)
	require.Equal(t, "0:0", c.state(job, 1, "COMPLETED")["ExitCode"])
}

// share is a share and what a task's environment says of it.
type share struct {
	t         *testing.T
	dir, logs string
	env       []string
	fs        *sharefs.FS
}

// terms are such that nobody falls silent on a busy machine.
const terms = `
[watch]
settle = "1s"
poll = "500ms"
[lease]
heartbeat = "400ms"
expiry = "10m"
[split]
chunk = "1s"
[profiles.default]
x264 = "--preset ultrafast"
`

func newShare(t *testing.T, bin string) *share {
	t.Helper()
	s := &share{t: t, dir: filepath.Join(t.TempDir(), "share"), logs: t.TempDir()}
	s.env = []string{"DISTENC_SHARE=" + s.dir, "PATH=" + bin + ":" + os.Getenv("PATH")}
	s.must("init", s.dir)
	s.configure(terms)
	var err error
	s.fs, err = sharefs.Open(s.dir)
	require.NoError(t, err)
	return s
}

func (s *share) configure(text string) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, pipeline.Config), []byte(text), 0o644))
}

func (s *share) command(args ...string) *exec.Cmd {
	path, _, _ := strings.Cut(strings.TrimPrefix(s.env[1], "PATH="), ":")
	cmd := exec.Command(filepath.Join(path, "distenc"), args...)
	cmd.Env = append(os.Environ(), s.env...)
	return cmd
}

func (s *share) must(args ...string) {
	s.t.Helper()
	out, err := s.command(args...).CombinedOutput()
	require.NoError(s.t, err, "distenc %s: %s", strings.Join(args, " "), out)
}

func (s *share) master() {
	s.t.Helper()
	cmd, log := s.command("master"), &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = log, log
	start(s.t, cmd, log)
}

// add submits a film of more than eight chunks.
func (s *share) add() (film string) {
	s.t.Helper()
	film = corpus.Film(s.t, 12)
	s.must("add", film)
	return film
}

// hold lets no encode of the tasks that are submitted from now on end before release is called.
func (s *share) hold() (release func()) {
	s.t.Helper()
	real, err := exec.LookPath("ffmpeg")
	require.NoError(s.t, err)
	dir := s.t.TempDir()
	held := filepath.Join(dir, "held")
	script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *-progress*) '%[1]s' \"$@\"; code=$?; "+
		"while [ -e '%[2]s' ]; do echo progress=continue; sleep 0.1; done; exit $code;; esac\nexec '%[1]s' \"$@\"\n", real, held)
	require.NoError(s.t, os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte(script), 0o755))
	require.NoError(s.t, os.WriteFile(held, nil, 0o644))
	s.env = append(s.env, "DISTENC_TOOLS="+dir)
	return func() { require.NoError(s.t, os.Remove(held)) }
}

func (s *share) status() *status.Status {
	s.t.Helper()
	st, err := status.Read(s.fs, nil)
	require.NoError(s.t, err)
	return st
}

// encoding waits until so many workers are there, each with a chunk.
func (s *share) encoding(workers int) {
	s.t.Helper()
	until(s.t, fmt.Sprintf("%d workers encode", workers), func() bool {
		st := s.status()
		for _, n := range st.Nodes {
			if len(n.Chunks) == 0 || n.State != pipeline.NodeEncoding {
				return false
			}
		}
		return len(st.Nodes) == workers && (workers == 0) == (len(st.Jobs) == 0 || st.Jobs[0].Chunks.Claimed == 0)
	})
}

func (s *share) nodes() (names []string) {
	for _, n := range s.status().Nodes {
		names = append(names, n.Node)
	}
	return names
}

// log is what a task has written.
func (s *share) log(job string, n int) string {
	text, _ := os.ReadFile(filepath.Join(s.logs, fmt.Sprintf("distenc-%s_%d.log", job, n)))
	return string(text)
}

// exact waits for the film's end, and compares every frame and timestamp. Half of Matroska's tick may be lost.
func (s *share) exact(film string) {
	s.t.Helper()
	var job pipeline.JobStatus
	until(s.t, "the film is done", func() bool {
		if jobs := s.status().Jobs; len(jobs) == 1 {
			job = jobs[0]
		}
		return job.State == pipeline.Done || job.State == pipeline.JobFailed
	})
	require.Equal(s.t, pipeline.Done, job.State, job.Error)
	out := filepath.Join(s.dir, job.Output)
	require.Equal(s.t, corpus.Barcodes(s.t, film), corpus.Barcodes(s.t, out))
	want, got := corpus.PTS(s.t, film), corpus.PTS(s.t, out)
	require.Len(s.t, got, len(want))
	for i := range want {
		require.InDelta(s.t, float64(want[i].Num)/float64(want[i].Den), float64(got[i].Num)/float64(got[i].Den), 0.00051)
	}
}

// noFailures looks for reports of attempts that went wrong: what is handed back is none.
func (s *share) noFailures() {
	s.t.Helper()
	reports, err := filepath.Glob(filepath.Join(s.dir, pipeline.Jobs, "*", "log", "*"))
	require.NoError(s.t, err)
	require.Empty(s.t, reports)
}
