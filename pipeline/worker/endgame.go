package worker

import (
	"math"
	"slices"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// At a job's end there are more nodes than chunks. Those who would take longest leave the last chunks to
// others, and those who have nothing left to do encode again what will else be the last to be done: on a
// slow node, or on one that died. A second copy of a chunk is safe at any time, since the first result that
// is accepted is the one that is merged; all here is about not wasting work.

const (
	// slower than this part of the others' pace a node is a slow one: what a few chunks tell is not exact.
	slower = 0.7
	// surely allows for chunks that take longer than expected: one in six is off by more than a quarter.
	surely = 0.65
	// stranger is the part of the others' pace that a node is taken to have that has not measured its own.
	stranger = 0.25
	// aChoice is how many chunks lie free before a node of a farm that has measured nothing takes a long one.
	aChoice = 64
	// foreverLong is longer than any chunk takes.
	foreverLong = 24 * time.Hour
)

// chunkWork returns what a chunk is expected to take, in mean frames; 0 if the plan does not know it.
func chunkWork(plan *pipeline.Plan, c pipeline.ChunkFile) float64 {
	if c.Chunk >= len(plan.Chunks) {
		return 0
	}
	return plan.Chunks[c.Chunk].Work()
}

// workOf is what these chunks are expected to take.
func workOf(plan *pipeline.Plan, chunks []pipeline.ChunkFile) (work float64) {
	for _, c := range chunks {
		work += chunkWork(plan, c)
	}
	return work
}

// unmade returns the work in the chunks that lie nowhere yet, given those that lie free, the longest first. Pieces are
// made in the film's order, ranges as they are claimed: the longest first.
func unmade(plan *pipeline.Plan, free []pipeline.ChunkFile) (work float64) {
	last, shortest := 0, chunkWork(plan, free[len(free)-1])
	for _, c := range free {
		last = max(last, c.Chunk)
	}
	for i := range plan.Chunks {
		if c := &plan.Chunks[i]; plan.Cut(i) && i > last || !plan.Cut(i) && c.Work() < shortest {
			work += c.Work()
		}
	}
	return work
}

// shortOf leaves out the longer half of a plan's chunks.
func shortOf(plan *pipeline.Plan, free []pipeline.ChunkFile) []pipeline.ChunkFile {
	all := make([]float64, len(plan.Chunks))
	for i := range plan.Chunks {
		all[i] = plan.Chunks[i].Work()
	}
	slices.Sort(all)
	return slices.DeleteFunc(free, func(c pipeline.ChunkFile) bool { return chunkWork(plan, c) > all[len(all)/2] })
}

// untilLast returns the seconds until the others, so many slots of this pace, have done so much work and the plan's
// shortest chunk.
func untilLast(plan *pipeline.Plan, work, slots, pace float64) float64 {
	shortest := math.Inf(1)
	for i := range plan.Chunks {
		shortest = min(shortest, plan.Chunks[i].Work())
	}
	return (work/slots + shortest) / pace
}

// doneWithin leaves out the chunks that a node of this pace would not surely be done with in these seconds.
func doneWithin(plan *pipeline.Plan, free []pipeline.ChunkFile, pace, seconds float64) []pipeline.ChunkFile {
	return slices.DeleteFunc(free, func(c pipeline.ChunkFile) bool { return chunkWork(plan, c)/pace > seconds })
}

// remaining returns how long a node will still take for a chunk that it encodes, by its own word. One that is silent is
// not counted on any more.
func remaining(n *pipeline.Node, silent bool, plan *pipeline.Plan, c pipeline.ChunkFile) time.Duration {
	if silent {
		return foreverLong
	}
	e, pace := n.Chunks[c.ID()], status.Pace(n, plan)
	switch {
	case e.FPS > 0 && e.Frames < e.Total:
		return seconds(float64(e.Total-e.Frames) / e.FPS)
	case e.Total > 0 && e.Frames >= e.Total || pace <= 0:
		return 0
	}
	return seconds(chunkWork(plan, c) / pace)
}

// gain returns by how much a node of this pace would be done with so much work sooner than the one that will be done
// after remaining; 0 if that is not sure, for both are estimates.
func gain(work, pace float64, remaining time.Duration) time.Duration {
	if pace <= 0 {
		return 0
	}
	whole := seconds(work / pace)
	return max(0, remaining-whole-whole/8)
}

// claimedOnce returns those claims whose chunk has no other one.
func claimedOnce(claims []pipeline.ChunkFile) []pipeline.ChunkFile {
	copies := map[string]int{}
	for _, c := range claims {
		copies[c.ID()]++
	}
	return slices.DeleteFunc(claims, func(c pipeline.ChunkFile) bool { return copies[c.ID()] > 1 })
}

// ofJobs returns those claims that are on chunks of these jobs.
func ofJobs(claims []pipeline.ChunkFile, jobs []string) []pipeline.ChunkFile {
	return slices.DeleteFunc(claims, func(c pipeline.ChunkFile) bool { return !slices.Contains(jobs, c.Job) })
}

// alone reports whether a claim still stands and, among these, no other one is on its chunk.
func alone(was pipeline.ChunkFile, claims []pipeline.ChunkFile) bool {
	found := false
	for _, c := range claims {
		if c.ID() != was.ID() {
			continue
		}
		if c.Stem() != was.Stem() {
			return false
		}
		found = true
	}
	return found
}

func seconds(s float64) time.Duration {
	return time.Duration(min(s, foreverLong.Seconds()) * float64(time.Second))
}
