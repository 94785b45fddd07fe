//go:build linux

package media_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/split"
)

// TestMemory: what an encode of one chunk has resident at most, against its estimate, by which nodes choose how many
// they run side by side. An estimate is never too low by more than a tenth. It may be too high by a half, and
// SVT-AV1's, which has to do for all versions, by twice as much.
func TestMemory(t *testing.T) {
	only(t)
	fmt.Print("\n### An encode's memory against its estimate\n\n| | preset | threads | MB | estimated |\n" +
		"| --- | --- | --- | --- | --- |\n")
	eachContender(t, func(t *testing.T, c contender) {
		for _, preset := range c.films[small] {
			for _, threads := range []int{2, 8} {
				peak, guess := chunkMemory(t, small.path(t), c, preset, threads)
				fmt.Printf("| %s, 720p | %s | %d | %d | %d |\n", c.name, preset, threads, peak/1e6, guess/1e6)
				require.Greater(t, guess*110, peak*100)
				most := int64(150)
				if c.name == "svtav1" {
					most = 200
				}
				require.Less(t, guess*100, peak*most)
			}
		}
	})
}

// chunkMemory encodes the first seconds of a source.
func chunkMemory(t *testing.T, source string, c contender, preset string, threads int) (peak, guess int64) {
	t.Helper()
	tools, plan := planned(t, source, c, preset)
	watched := make(chan int64, 1)
	_, err := encode.Chunk(t.Context(), tools, encode.Request{
		Plan: plan, Chunk: &plan.Chunks[0], Source: source, Threads: threads, Out: filepath.Join(t.TempDir(), "out.tmp"),
		Started: func(p *media.Process) { go func() { watched <- highWater(p.PID()) }() },
	})
	require.NoError(t, err)
	return <-watched, encode.Memory(plan).Of(threads)
}

// planned is what workers are told of a source whose chunks are of five seconds.
func planned(t *testing.T, source string, c contender, preset string) (media.Tools, *pipeline.Plan) {
	t.Helper()
	tools, err := media.Find(nil)
	require.NoError(t, err)
	plan, err := split.Make(t.Context(), tools, split.Request{
		Job: "00000000-abcde", Path: source, NormPath: filepath.Join(t.TempDir(), "norm.abc.mkv"), CRC32: "00000000",
		Settings: pipeline.Settings{Encoder: c.name, Options: "--preset " + preset + " " + c.options, Chunk: 5,
			Container: "mkv", Pieces: "range"},
		TestEncode: encode.Test,
		TestRest: func(context.Context, media.Tools, string, *media.File, pipeline.Settings) error {
			return nil
		},
	})
	require.NoError(t, err)
	return tools, plan
}

// highWater follows a process to its end.
func highWater(pid int) (peak int64) {
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, rest, found := bytes.Cut(status, []byte("VmHWM:")) // proc_pid_status(5), in kB
		if err != nil || !found {
			return peak
		}
		kb, _ := strconv.ParseInt(string(bytes.Fields(rest)[0]), 10, 64)
		peak = max(peak, kb<<10)
		time.Sleep(10 * time.Millisecond)
	}
}
