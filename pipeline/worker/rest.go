package worker

import (
	"fmt"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/distenc/distenc/pipeline"
)

// restTime is how long a host that failed chunks of two jobs claims nothing: then the host is at fault,
// not the chunk. A file that fails everywhere makes nobody rest.
const restTime = 10 * time.Minute

// suspect notes that a chunk failed here. While other machines are there it is left to them: that it
// fails on two of them tells a bad chunk from a bad machine.
func (w *Worker) suspect(c pipeline.ChunkFile) {
	others := pipeline.Hosts(w.FS, w.Terms().Expiry) > 1
	w.mu.Lock()
	defer w.mu.Unlock()
	if others {
		w.avoid[c.ID()] = time.Now().Add(restTime)
	}
	w.failing[c.Job] = true
	if len(w.failing) >= 2 {
		w.resting, w.restWhy = time.Now().Add(restTime), "chunks of two jobs failed here"
		clear(w.failing)
		w.Log.Error("chunks of two jobs failed on this machine, it rests", "for", restTime)
	}
}

// avoids tells whether a chunk is left to other machines.
func (w *Worker) avoids(c pipeline.ChunkFile) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	until, found := w.avoid[c.ID()]
	if found && time.Now().After(until) {
		delete(w.avoid, c.ID())
		found = false
	}
	return found
}

// fullTime is how long nothing is claimed after a write that found the disk full.
const fullTime = 30 * time.Second

func (w *Worker) pauseFor(d time.Duration, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resting, w.restWhy = time.Now().Add(d), why
}

// recovered notes that a chunk of a job was encoded here.
func (w *Worker) recovered(job string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.failing, job)
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
	return why != "" || time.Now().Before(w.resting)
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
		Node: w.Node, Host: pipeline.NodeHost(w.Node), Slots: w.Slots, Cores: runtime.NumCPU(), State: pipeline.NodeIdle,
		Version: w.Version, Encoder: w.Encoder.Version(), Since: w.since, Seq: w.seq,
		Chunks: map[string]pipeline.Encoding{}, Speed: maps.Clone(w.speed),
	}
	if w.Load != nil {
		n.Load = w.Load()
	}
	if time.Now().Before(w.resting) {
		n.State, n.Why = pipeline.NodeResting, w.restWhy+"; claims again at "+w.resting.Format("15:04:05")
	}
	if w.why != "" {
		n.State, n.Why = pipeline.NodeResting, w.why
	}
	now := time.Now()
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
