//go:build linux

package media_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/encode"
)

// threadsOf are the numbers of threads that an encode is measured with; the first is what the others are told against.
var threadsOf = []int{1, 2, 4, 8}

// TestThreads: what more threads than one cost an encode of one chunk, in CPU, bytes and SSIM. Busy is how many cores
// one thread and two keep at work, by which it is told how many the machine can do without.
func TestThreads(t *testing.T) {
	only(t)
	fmt.Print("\n### CPU, bytes and SSIM of a chunk of 3 s with more threads, against one\n\n| | one: CPU | 2 | 4 | 8 | " +
		"bytes: 2 | 4 | 8 | SSIM: 2 | 4 | 8 | busy: 1 | 2 |\n|" + strings.Repeat(" --- |", 13) + "\n")
	eachContender(t, func(t *testing.T, c contender) {
		presets := c.films[small]
		if c.name == "x264" {
			presets = append([]string{"ultrafast"}, presets...)
		}
		for _, f := range []film{{640, 360, 8, 3}, {1280, 720, 8, 3}, {1920, 1080, 8, 3}} {
			t.Run(fmt.Sprintf("%dp", f.height), func(t *testing.T) {
				for _, preset := range presets {
					byThreads(t, c, preset, f)
				}
			})
		}
	})
}

// threaded is an encode with some number of threads.
type threaded struct {
	costs       []cost
	bytes, ssim float64
}

// byThreads measures one chunk with all numbers of threads, in turn, and prints a row.
func byThreads(t *testing.T, c contender, preset string, f film) {
	t.Helper()
	source, dir := f.path(t), t.TempDir()
	tools, plan := planned(t, source, c, preset)
	require.Len(t, plan.Chunks, 1)
	with := make([]threaded, len(threadsOf))
	for range times(t, 1) {
		for i, n := range threadsOf {
			out := filepath.Join(dir, fmt.Sprintf("%d.tmp", n))
			with[i].costs = append(with[i].costs, measure(func() {
				_, err := encode.Chunk(t.Context(), tools, encode.Request{
					Plan: plan, Chunk: &plan.Chunks[0], Source: source, Threads: n, Out: out})
				require.NoError(t, err)
			}))
		}
	}
	for i, n := range threadsOf {
		with[i].bytes, with[i].ssim = pictures(t, filepath.Join(dir, fmt.Sprintf("%d.tmp", n)), source)
	}
	one := with[0]
	row := fmt.Sprintf("| %s %s, %dp | %.2f s |", c.name, preset, f.height, median(one.costs, cpu).Seconds())
	for _, more := range with[1:] {
		row += fmt.Sprintf(" %s |", sides{more.costs, one.costs}.told(cpu))
	}
	for _, more := range with[1:] {
		row += fmt.Sprintf(" %+.2f%% |", 100*(more.bytes/one.bytes-1))
	}
	for _, more := range with[1:] {
		row += fmt.Sprintf(" %+.5f |", more.ssim-one.ssim)
	}
	for _, some := range with[:2] {
		row += fmt.Sprintf(" %.2f |", median(some.costs, cpu).Seconds()/median(some.costs, wall).Seconds())
	}
	fmt.Println(row)
}
