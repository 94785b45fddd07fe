package worker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// At a job's end there are more nodes than chunks. Those who would take longest leave the last chunks to
// others, and those who have nothing left to do encode again what will else be the last to be done: on a
// slow node, or on one that died. A second copy of a chunk is safe at any time, since the first result that
// is accepted is the one that is merged; all here is about not wasting work.

// peers is what a worker knows of the others' speed.
type peers struct {
	asked time.Time
	pace  float64 // frames a second of the others, in the mean of a few
	job   string
	// moved is when a node's file was last seen to change, by this process's clock.
	moved map[string]sighting
}

type sighting struct {
	seq int64
	at  time.Time
}

const (
	// peersFor is how long a sample of the others' speed is good for.
	peersFor = 3 * time.Minute
	// slower than this part of the others' speed a node is a slow one: what a few chunks tell is not exact.
	slower = 0.7
	// surely allows for chunks that take longer than expected: one in six is off by more than a quarter.
	surely = 0.75
	// aFew is how many claims are weighed, so that many idle nodes do not all read of all.
	aFew = 5
	// peersAsked is how many others are asked for their speed: with speeds from 1 to 10, the mean of so many is off by
	// a sixth, that of five by a fifth, and their median by a third.
	peersAsked = 10
)

// fitting leaves out of a job's free chunks, the longest first, those that would be the last to be done if this
// node took them, because it is slower than the others: they will have done all the rest before.
func (w *Worker) fitting(job string, free []pipeline.ChunkFile) []pipeline.ChunkFile {
	plan, err := w.plans.get(w.FS, job)
	if err != nil || len(free) == 0 {
		return free
	}
	own := w.pace(plan)
	if own <= 0 { // it may be slow: for a start, none of the longest
		return free[len(free)/2:]
	}
	typical := w.typical(plan)
	if own > typical*slower {
		return free
	}
	left, others := w.left(plan, free)
	if others <= 0 {
		return free
	}
	rest := (left/others + work(plan, free[len(free)/2])) / typical // until the others are done
	return slices.DeleteFunc(free, func(c pipeline.ChunkFile) bool { return work(plan, c)/own > rest*surely })
}

// left is the work that nobody has begun, and on how many others it falls. While chunks are still being made
// that is most of the plan, and everybody who is there will soon be at it.
func (w *Worker) left(plan *pipeline.Plan, free []pipeline.ChunkFile) (sum, others float64) {
	if w.soonMore() {
		for i := range plan.Chunks {
			sum += plan.Chunks[i].Work()
		}
		return sum, float64(len(w.others()))
	}
	for _, c := range free {
		sum += work(plan, c)
	}
	return sum, float64(len(w.claimedByOthers(nil)))
}

// pace is how fast this node was, in frames a second of the plan's source and one slot; 0 where it has not yet
// encoded anything.
func (w *Worker) pace(plan *pipeline.Plan) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return status.Pace(&pipeline.Node{Node: w.Node, Speed: w.speed}, plan)
}

// typical is the mean speed of the others, by a sample of them. 0 where none is known.
func (w *Worker) typical(plan *pipeline.Plan) float64 {
	w.mu.Lock()
	fresh := w.peers.job == plan.Job && time.Since(w.peers.asked) < peersFor
	pace := w.peers.pace
	w.mu.Unlock()
	if !fresh {
		if pace = w.askPeers(plan); pace <= 0 {
			return 0
		}
		w.mu.Lock()
		w.peers.job, w.peers.asked, w.peers.pace = plan.Job, time.Now(), pace
		w.mu.Unlock()
	}
	return pace
}

func (w *Worker) askPeers(plan *pipeline.Plan) float64 {
	sum, asked := 0.0, 0.0
	others := shuffled(w.others())
	for _, name := range others[:min(len(others), peersAsked)] {
		if n, err := pipeline.LoadNode(w.FS, name); err == nil && status.Pace(n, plan) > 0 {
			sum, asked = sum+status.Pace(n, plan), asked+1
		}
	}
	return sum / max(1, asked)
}

// others lists the other nodes, by their files.
func (w *Worker) others() (nodes []string) {
	names, err := w.FS.List(pipeline.Nodes)
	if err != nil {
		return nil
	}
	for _, n := range names {
		if node, ok := strings.CutSuffix(n, ".json"); ok && node != w.Node {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// claimedByOthers lists the claims of other nodes on chunks of these jobs; nil: of all.
func (w *Worker) claimedByOthers(jobs []string) (claims []pipeline.ChunkFile) {
	names, err := w.FS.List(pipeline.ClaimedDir)
	if err != nil {
		return nil
	}
	for _, n := range names {
		if c, ok := pipeline.ParseClaimed(n); ok && c.Node != w.Node && (jobs == nil || slices.Contains(jobs, c.Job)) {
			claims = append(claims, c)
		}
	}
	return claims
}

func shuffled[T any](all []T) []T {
	random.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	return all
}

// claimSecond makes a second copy of a chunk that another node has in work, if this node would have all of it
// encoded before that one is done, and claims it at once. nil and no error where there is none.
func (w *Worker) claimSecond(ctx context.Context, jobs []string) (*Task, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	if !w.second.TryLock() { // slots that look at once would choose the same chunk
		return nil, nil
	}
	defer w.second.Unlock()
	claims := w.claimedByOthers(jobs)
	if len(claims) > 0 {
		w.waitAtMost(maxTailWait)
	}
	var worst pipeline.ChunkFile
	longest := time.Duration(0)
	for _, c := range w.candidates(claims) {
		if gain := w.gain(c); gain > longest {
			worst, longest = c, gain
		}
	}
	if longest == 0 || ctx.Err() != nil || w.done(worst) {
		return nil, nil
	}
	return w.claimCopy(ctx, worst)
}

// done tells whether a result of the chunk is there: then the claim is what another copy of it left.
func (w *Worker) done(c pipeline.ChunkFile) bool {
	names, err := w.FS.List(pipeline.DoneOf(c.Job))
	return err != nil || slices.ContainsFunc(names, func(n string) bool {
		d, ok := pipeline.ParseDone(n)
		return ok && d.ID() == c.ID()
	})
}

// candidates picks a few of the claims on chunks that are in work once.
func (w *Worker) candidates(claims []pipeline.ChunkFile) []pipeline.ChunkFile {
	copies := map[string]int{}
	for _, c := range claims {
		copies[c.ID()]++
	}
	once := slices.DeleteFunc(claims, func(c pipeline.ChunkFile) bool {
		return copies[c.ID()] > 1 || w.faults.leaves(c, time.Now()) || w.has(c)
	})
	return shuffled(once)[:min(len(once), aFew)]
}

// gain is by how much this node would be done with a chunk sooner than the one that has it in work.
func (w *Worker) gain(c pipeline.ChunkFile) time.Duration {
	plan, err := w.plans.get(w.FS, c.Job)
	if err != nil || c.Chunk >= len(plan.Chunks) {
		return 0
	}
	n, err := pipeline.LoadNode(w.FS, c.Node)
	own := w.pace(plan)
	if err != nil || own <= 0 {
		return 0
	}
	whole := seconds(work(plan, c) / own)
	return max(0, w.remaining(n, plan, c)-whole-whole/8) // both are estimates
}

// remaining is how long the node will still take for a chunk, by its own word. One that says nothing new is
// not counted on any more.
func (w *Worker) remaining(n *pipeline.Node, plan *pipeline.Plan, c pipeline.ChunkFile) time.Duration {
	if w.silent(n) {
		return foreverLong
	}
	e, pace := n.Chunks[c.ID()], status.Pace(n, plan)
	switch {
	case e.FPS > 0 && e.Frames < e.Total:
		return seconds(float64(e.Total-e.Frames) / e.FPS)
	case e.Total > 0 && e.Frames >= e.Total || pace <= 0:
		return 0
	}
	return seconds(work(plan, c) / pace)
}

// foreverLong is longer than any chunk takes.
const foreverLong = 24 * time.Hour

// silent tells whether a node's file has not changed for three heartbeats, as seen from here.
func (w *Worker) silent(n *pipeline.Node) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, known := w.peers.moved[n.Node]
	if !known || s.seq != n.Seq {
		if w.peers.moved == nil || len(w.peers.moved) > maxPeers {
			w.peers.moved = map[string]sighting{}
		}
		w.peers.moved[n.Node] = sighting{n.Seq, time.Now()}
		return false
	}
	return time.Since(s.at) > 3*w.terms.Heartbeat
}

// maxPeers bounds of how many nodes a worker remembers when they were heard of.
const maxPeers = 1000

func seconds(s float64) time.Duration {
	return time.Duration(min(s, foreverLong.Seconds()) * float64(time.Second))
}

// claimCopy creates a second copy of a claimed chunk, as a range, right among the claims. Of several nodes
// that do so at once none goes on if each has seen another.
func (w *Worker) claimCopy(ctx context.Context, c pipeline.ChunkFile) (*Task, error) {
	plan, err := w.plans.get(w.FS, c.Job)
	if err != nil {
		return nil, err
	}
	release, fits := w.promise(plan)
	defer release()
	if !fits {
		return nil, nil
	}
	text, err := plan.RangeText(c.Chunk)
	if err != nil {
		return nil, err
	}
	mine := c.AsClaimed(w.Node)
	mine.Kind = pipeline.KindRange
	held, err := w.take(ctx, mine)
	if err != nil {
		return nil, err
	}
	if err := w.FS.Create(mine.Path(), text); err != nil {
		w.drop(mine.Path()) // it may be there all the same, and would be taken for a silent worker's
		held.Release()
		return nil, fmt.Errorf("cannot copy %s: %w", mine.ID(), err)
	}
	if !w.alone(c) {
		w.drop(mine.Path())
		held.Release()
		return nil, nil
	}
	w.Log.Info("claimed a second time", "chunk", mine.ID(), "from", c.Node)
	return w.begin(plan, mine, held), nil
}

// alone tells whether nobody but c's holder and this node has the chunk.
func (w *Worker) alone(c pipeline.ChunkFile) bool {
	found := false
	for _, other := range w.claimedByOthers([]string{c.Job}) {
		if other.ID() == c.ID() && other.Stem() != c.Stem() {
			return false
		}
		found = found || other.Stem() == c.Stem()
	}
	return found
}
