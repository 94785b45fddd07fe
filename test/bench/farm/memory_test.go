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

// season is a share with much in work: films of two hours, each with some chunks in work and all but a few of
// the others accepted.
const (
	seasonFilms  = 28
	seasonNodes  = 200
	seasonClaims = seasonNodes / seasonFilms // of each film, and one more of the first ones
	seasonFree   = 10                        // of each film
)

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
	chunks := season(t, dir)
	peak := watch(t, exec.Command(binary, "master", "--share", dir, "--log-level", "error"))
	fmt.Printf("\n### The master's memory\n\n| films in work | chunks | claims and nodes | resident memory at most |\n| "+
		"--- | --- | --- | --- |\n"+
		"| %d | %d | %d | %d MB |\n", seasonFilms, chunks, seasonNodes, peak>>20)
}

// watch runs a daemon for a while and returns its largest resident memory, in bytes.
func watch(t *testing.T, daemon *exec.Cmd) int64 {
	t.Helper()
	var log bytes.Buffer
	daemon.Stdout, daemon.Stderr = &log, &log
	// its settings
	daemon.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "DISTENC_") })
	require.NoError(t, daemon.Start())
	time.Sleep(watchFor)
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

// season fills a share, and returns how many chunks there are.
func season(t *testing.T, dir string) (chunks int) {
	share, err := sharefs.Open(dir)
	require.NoError(t, err)
	info := &pipeline.ClusterInfo{Share: "bench", Heartbeat: terms.Heartbeat.String(), Expiry: terms.Expiry.String(),
		Attempts: 3}
	require.NoError(t, info.Write(share))
	claimed := 0
	for n := range seasonFilms {
		plan := seasonPlan(t, share, n)
		claims := seasonClaims
		if n < seasonNodes%seasonFilms {
			claims++
		}
		for i := range plan.Chunks {
			c := pipeline.ChunkFile{Job: plan.Job, Chunk: i, Kind: pipeline.KindRange}.AsPending(1)
			switch left := len(plan.Chunks) - i; {
			case left <= seasonFree:
				require.NoError(t, share.Create(c.Path(), nil))
			case left <= seasonFree+claims:
				claim(t, share, plan, c.AsClaimed(fmt.Sprintf("pc%03d-wbench", claimed)))
				claimed++
			default:
				accepted(t, share, plan, c.AsClaimed("pc000-wbench").In(pipeline.Accepted))
			}
		}
		chunks += len(plan.Chunks)
	}
	require.Equal(t, seasonNodes, claimed)
	return chunks
}

// seasonPlan makes a job with its plan.
func seasonPlan(t *testing.T, share *sharefs.FS, n int) *pipeline.Plan {
	film := newFilm(film2h, 0.1, uint64(n))
	crc := fmt.Sprintf("%08X", n)
	settings := pipeline.Settings{Profile: "default", Encoder: "x264", Options: "--crf 18", Container: "mkv", Chunk: 20,
		Pieces: "range", Disposal: "archive"}
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
