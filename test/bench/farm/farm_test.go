package farm

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	film2h  = 2 * 60 * 60
	film20m = 20 * 60
)

var scenarios = []scenario{
	{name: "8 alike", nodes: 8, spread: 1, seconds: film2h},
	{name: "64 alike", nodes: 64, spread: 1, seconds: film2h},
	{name: "200 alike", nodes: 200, spread: 1, seconds: film2h},
	{name: "64, speeds 1 to 10", nodes: 64, spread: 10, seconds: film2h},
	{name: "64, speeds 1 to 10, one dies", nodes: 64, spread: 10, seconds: film2h, dies: 5 * time.Minute},
	{name: "64, speeds 1 to 10, all new", nodes: 64, spread: 10, seconds: film2h, cold: true},
	{name: "200, speeds 1 to 10", nodes: 200, spread: 10, seconds: film2h},
	{name: "8 alike", nodes: 8, spread: 1, seconds: film20m},
	{name: "64 alike", nodes: 64, spread: 1, seconds: film20m},
	{name: "200 alike", nodes: 200, spread: 1, seconds: film20m},
}

// TestFarm prints how near each farm comes to what its nodes' speeds allow, and what that costs the file server.
func TestFarm(t *testing.T) {
	if os.Getenv("DISTENC_BENCH") == "" {
		t.Skip("`make bench` runs it")
	}
	fmt.Printf("\n### The farm: the time that the nodes' speeds allow, of what it took: the median of %d runs, and the "+
		"worst\n\n| nodes | film | chunks are | median | worst | chunks | calls to the share for a chunk |\n| --- | --- | "+
		"--- | --- | --- | --- | --- |\n", runs)
	for _, s := range scenarios {
		for _, s.pieces = range []string{"range", "copy"} {
			if s.pieces == "copy" && s.nodes >= wide { // they are ranges all the same
				continue
			}
			all := make([]outcome, runs)
			for i := range all {
				all[i] = s.play(t)
			}
			slices.SortFunc(all, func(a, b outcome) int { return cmp.Compare(a.efficiency, b.efficiency) })
			middle := all[runs/2]
			fmt.Printf("| %s | %d min | `%s` | %.3f | %.3f | %d | %.1f |\n", s.name, s.seconds/60, s.pieces,
				middle.efficiency, all[0].efficiency, middle.chunks,
				float64(middle.traffic.sum(forChunk))/float64(middle.chunks))
		}
	}
}

const (
	runs = 5  // of each farm
	wide = 64 // nodes
)

// TestIdle prints what a worker without work costs the file server.
func TestIdle(t *testing.T) {
	if os.Getenv("DISTENC_BENCH") == "" {
		t.Skip("`make bench` runs it")
	}
	looks, beats := idle(t)
	fmt.Printf("\n### A worker without work: calls to the share in a minute\n\n| looks for work | heartbeats |\n| --- | "+
		"--- |\n| %.1f | %.1f |\n", looks, beats)
}

// The farm at work, in the suite: nobody waits for long, and a chunk costs what it may.
func TestSmallFarm(t *testing.T) {
	o := scenario{nodes: 8, spread: 4, seconds: film20m, pieces: "range"}.play(t)
	require.Greater(t, o.efficiency, 0.8)
	require.Less(t, o.traffic.sum(forChunk), 32*o.chunks)
}
