package worker

import (
	"context"
	"fmt"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/poison"
)

// restTime is how long a host that failed chunks of two jobs claims nothing: then the host is at fault,
// not the chunk. A file that fails everywhere makes nobody rest.
const restTime = 10 * time.Minute

// suspect notes that a chunk failed here. While other nodes are there it is left to them.
func (w *Worker) suspect(c pipeline.ChunkFile, cause error) {
	here, err := poison.Here(w.FS, w.Terms().Expiry)
	if err == nil && here.Nodes > 1 {
		w.faults.leave(c, time.Now().Add(restTime))
	}
	if w.faults.failed(c, firstLine(cause)) {
		w.pause.extend(time.Now().Add(restTime), "chunks of two jobs failed here, the last with: "+firstLine(cause))
		w.Log.Error("chunks of two jobs failed on this machine, it rests", "for", restTime)
	}
}

// troubleTime is how long nothing is claimed after an error that is this machine's or the share's.
const troubleTime = 30 * time.Second

// troubled hands a chunk back that could not be encoded for no fault of its own. Other nodes, where there are some, may
// fare better with it.
func (w *Worker) troubled(ctx context.Context, t *Task, cause error) {
	why := "this machine or the share is in trouble: " + firstLine(cause)
	if sharefs.Full(cause) {
		why = "the disk is full"
	}
	w.Log.Error("the chunk is handed back, nothing is claimed for a while", "chunk", t.File.ID(), "reason", why, "error", firstLine(cause))
	w.discard(t)
	w.handBack(ctx, t)
	w.pause.extend(time.Now().Add(troubleTime), why)
	if here, err := poison.Here(w.FS, w.Terms().Expiry); err == nil && here.Nodes > 1 {
		w.faults.leave(t.File, time.Now().Add(2*troubleTime))
	}
}

// rests tells whether nothing may be claimed now.
func (w *Worker) rests() bool {
	w.mu.Lock()
	running := len(w.tasks)
	w.mu.Unlock()
	why := ""
	if w.Rest != nil {
		why = w.Rest(running)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case why == "" && w.why != "":
		w.Log.Info("claims chunks again")
	case why != "" && w.why == "":
		w.Log.Info("claims nothing", "reason", why)
	case why != w.why: // the figures in it move all the time
		w.Log.Debug("claims nothing", "reason", why)
	}
	w.why = why
	paused, _ := w.pause.at(time.Now())
	return why != "" || paused != ""
}

// maxSpeeds is of how many jobs a worker remembers how fast it was.
const maxSpeeds = 8

// measured notes how fast a chunk, or the first part of one that another node was quicker with, was encoded here.
func (w *Worker) measured(t *Task, part, seconds float64) {
	plan := t.Plan
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.speed[plan.Job]; !known && len(w.speed) >= maxSpeeds {
		clear(w.speed)
	}
	s := w.speed[plan.Job].Add(part*t.Chunk.Work(), plan.Pixels(), seconds)
	s.Effort = plan.Settings.Effort()
	w.speed[plan.Job] = s
}

// node describes this worker for nodes/.
func (w *Worker) node() *pipeline.Node {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	n := &pipeline.Node{
		Node: w.Node, Host: pipeline.NodeHost(w.Node), Machine: lease.Machine(), Slots: w.Slots, Cores: runtime.NumCPU(), Threads: w.Threads, Memory: w.memory.most(),
		Version: w.Version, Encoder: w.Encoder.Version(), Since: w.since, Seq: w.seq,
		Chunks: map[string]pipeline.Encoding{}, Speed: maps.Clone(w.speed),
	}
	if w.Load != nil {
		n.Load = w.Load()
	}
	now := time.Now()
	n.State, n.Why = w.restState(now)
	since, running := now, map[string]int64{}
	for id, t := range w.tasks {
		n.State = pipeline.NodeEncoding
		frames := t.frames.Load()
		fps := float64(frames) / max(0.001, now.Sub(t.started).Seconds())
		n.Chunks[id] = pipeline.Encoding{Frames: int(frames), Total: t.Chunk.PTS.Len(), FPS: fps}
		running[t.File.Job] += frames
		if t.started.Before(since) {
			since = t.started
		}
	}
	n.Jobs = w.rate.look(now, since, running)
	for _, fps := range n.Jobs {
		n.FPS += fps
	}
	return n
}

// restState is what a node without work says of itself. w.mu is held.
func (w *Worker) restState(now time.Time) (state, why string) {
	failed, left := w.faults.said(now)
	paused, until := w.pause.at(now)
	switch {
	case w.why != "":
		return pipeline.NodeResting, w.why
	case paused != "":
		return pipeline.NodeResting, paused + "; claims again at " + until.Format("15:04:05")
	case left:
		return pipeline.NodeResting, failed
	case w.memory.lacks() != "":
		return pipeline.NodeResting, w.memory.lacks()
	}
	return pipeline.NodeIdle, failed
}

// line is what the service manager shows.
func (w *Worker) line(n *pipeline.Node) string {
	if len(n.Chunks) == 0 {
		return strings.TrimSpace(n.State + " " + n.Why)
	}
	return fmt.Sprintf("encoding %s, %.1f frames/s", english.Plural(len(n.Chunks), "chunk", ""), n.FPS)
}

func contains(names []string, c pipeline.ChunkFile) bool {
	_, found := slices.BinarySearch(names, path.Base(c.Path()))
	return found
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
