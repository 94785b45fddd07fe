package farm

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// season is a share with much in work: films, each with some chunks in work and all but a few of the others accepted.
type season struct {
	films, seconds int     // and how long each is
	chunk          float64 // seconds of a chunk, in the mean
	nodes          int     // each with a chunk in work
}

// seasonFree is how many chunks of each film nobody has begun.
const seasonFree = 10

// watchFor is how long the master is watched: shorter than it takes the claims' leases to expire.
const watchFor = 60 * time.Second

// TestMemory prints how much memory the real master takes with ten thousand chunks.
func TestMemory(t *testing.T) {
	if os.Getenv("DISTENC_BENCH") == "" {
		t.Skip("`make bench` runs it")
	}
	binary := filepath.Join(t.TempDir(), "distenc")
	out, err := exec.Command("go", "build", "-o", binary, "github.com/distenc/distenc/cmd/distenc").CombinedOutput()
	require.NoError(t, err, string(out))
	dir := newShare(t)
	s := season{films: 28, seconds: film2h, chunk: 20, nodes: 200}
	chunks := s.fill(t, dir)
	daemon := exec.Command(binary, "master", "--share", dir, "--log-level", "error")
	peak := watch(t, daemon, func() { time.Sleep(watchFor) })
	fmt.Printf("\n### The master's memory\n\n| films in work | chunks | claims and nodes | resident memory at most |\n| "+
		"--- | --- | --- | --- |\n"+
		"| %d | %d | %d | %d MB |\n", s.films, chunks, s.nodes, peak>>20)
}

// watch runs a daemon until a function returns, and returns the daemon's largest resident memory, in bytes.
func watch(t *testing.T, daemon *exec.Cmd, during func()) int64 {
	t.Helper()
	var log bytes.Buffer
	daemon.Stdout, daemon.Stderr = &log, &log
	// its settings
	daemon.Env = slices.DeleteFunc(daemon.Environ(), func(v string) bool { return strings.HasPrefix(v, "DISTENC_") })
	require.NoError(t, daemon.Start())
	defer func() { _ = daemon.Process.Kill() }() // if it is there still
	during()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", daemon.Process.Pid))
	require.NoError(t, err, log.String())
	require.NoError(t, daemon.Process.Signal(syscall.SIGTERM))
	_ = daemon.Wait()
	require.Empty(t, log.String())
	_, rest, found := bytes.Cut(status, []byte("VmHWM:")) // proc_pid_status(5), in kB
	require.True(t, found, "%s", status)
	kb, err := strconv.ParseInt(string(bytes.Fields(rest)[0]), 10, 64)
	require.NoError(t, err)
	return kb << 10
}

// fill fills a share, and returns how many chunks there are.
func (s season) fill(t *testing.T, dir string) (chunks int) {
	share, err := sharefs.Open(dir)
	require.NoError(t, err)
	info := &pipeline.ClusterInfo{Share: "bench", Heartbeat: terms.Heartbeat.String(), Expiry: terms.Expiry.String(),
		Attempts: 3}
	require.NoError(t, info.Write(share))
	claimed := 0
	for n := range s.films {
		plan := s.plan(t, share, n)
		claims := s.nodes / s.films
		if n < s.nodes%s.films {
			claims++
		}
		for i := range plan.Chunks {
			c := pipeline.ChunkFile{Job: plan.Job, Chunk: i, Kind: pipeline.KindRange}.AsPending(1)
			switch left := len(plan.Chunks) - i; {
			case left <= seasonFree:
				require.NoError(t, share.Create(c.Path(), nil))
			case left <= seasonFree+claims:
				claim(t, share, plan, c.AsClaimed(seasonNode(claimed)))
				claimed++
			default:
				accepted(t, share, plan, c.AsClaimed("pc000-wbench").In(pipeline.Accepted))
			}
		}
		chunks += len(plan.Chunks)
	}
	require.Equal(t, s.nodes, claimed)
	return chunks
}

func seasonNode(n int) string { return fmt.Sprintf("pc%03d-wbench", n) }

// plan makes a job with its plan.
func (s season) plan(t *testing.T, share *sharefs.FS, n int) *pipeline.Plan {
	film := newFilm(s.seconds, 0.1, uint64(n))
	crc := fmt.Sprintf("%08X", n)
	settings := pipeline.Settings{Profile: "default", Encoder: "x264", Options: "--crf 18", Container: "mkv",
		Chunk: s.chunk, Pieces: "range", Disposal: "archive"}
	j := &pipeline.Job{ID: pipeline.NewJobID(crc), Inbox: pipeline.RawName(fmt.Sprintf("Film %d.mkv", n)),
		Source: "source.mkv", CRC32: crc, Settings: settings, Created: time.Now()}
	require.NoError(t, j.Create(share))
	require.NoError(t, share.Create(pipeline.JobFile(j.ID, j.Source), nil))
	p, err := film.plan(t.Context(), j, share.Path(pipeline.JobFile(j.ID, j.Source)), 0)
	require.NoError(t, err)
	_, err = p.Publish(share)
	require.NoError(t, err)
	for _, dir := range []string{pipeline.PendingOf(j.ID), pipeline.DoneOf(j.ID)} {
		require.NoError(t, share.MkdirAll(dir))
	}
	return p
}

// claim puts a chunk into work on a node of its own.
func claim(t *testing.T, share *sharefs.FS, p *pipeline.Plan, c pipeline.ChunkFile) {
	_, err := lease.Take(t.Context(), share, pipeline.Leases, c.Stem(), lease.WithLocker(nil))
	require.NoError(t, err)
	require.NoError(t, share.Create(c.Path(), nil))
	frames := p.Chunks[c.Chunk].PTS.Len()
	require.NoError(t, (&pipeline.Node{
		Node: c.Node, Hardware: pipeline.Hardware{Host: pipeline.NodeHost(c.Node), Slots: 1}, State: pipeline.NodeEncoding,
		FPS: usualFPS, Jobs: map[string]float64{p.Job: usualFPS},
		Chunks: map[string]pipeline.Encoding{c.ID(): {Frames: frames / 2, Total: frames, FPS: usualFPS}},
		Speed:  map[string]pipeline.Speed{p.Job: {Frames: 1000, Pixels: 1000 * p.Pixels(), Seconds: 1000. / usualFPS}},
	}).Write(share))
}

// accepted leaves what is there of a chunk that is done.
func accepted(t *testing.T, share *sharefs.FS, p *pipeline.Plan, c pipeline.ChunkFile) {
	for _, name := range []string{c.Path(), c.Result(), c.Record()} {
		require.NoError(t, share.Create(name, nil))
	}
}
