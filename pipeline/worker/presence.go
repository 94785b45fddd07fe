package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// show writes nodes/<node>.json, which tells people what this worker does: at every heartbeat, or at every second
// one while there is nothing new. When ctx ends it removes the file.
func (w *Worker) show(ctx context.Context) {
	var last *pipeline.Node
	var written time.Time
	since := time.Now().UTC()
	for seq := int64(1); ; seq++ {
		w.agreeIdle()
		heartbeat := w.agreed.Load().Heartbeat
		n := w.node(ctx, time.Now())
		n.Since, n.Seq = since, seq
		if !n.Repeats(last) || time.Since(written) > heartbeat*3/2 {
			if err := n.Write(w.FS); err != nil {
				w.Log.Debug("cannot write the node's file", "error", err)
			}
			last, written = n, time.Now()
		}
		if w.Status != nil {
			w.Status(statusLine(n))
		}
		if sharefs.Sleep(ctx, heartbeat) != nil {
			if err := n.Leave(w.FS); err != nil && !errors.Is(err, context.Canceled) {
				w.Log.Debug("cannot remove the node's file", "error", err)
			}
			return
		}
	}
}

// node describes this worker, but for its age.
func (w *Worker) node(ctx context.Context, now time.Time) *pipeline.Node {
	n := &pipeline.Node{
		Node: w.Node,
		Hardware: pipeline.Hardware{
			Host: pipeline.NodeHost(w.Node), Machine: lease.Machine(),
			Slots: w.Slots, Cores: w.Machine.Cores, Threads: w.Machine.Threads, Memory: w.memory.most(),
		},
		Software: pipeline.Software{
			Version: w.Version, Encoder: w.Encoder.Version(), Builds: w.Encoder.Builds(ctx), Metrics: w.Encoder.Metrics(ctx),
		},
		Speed: w.speeds.all(),
	}
	if w.Machine.Load != nil {
		n.Load = w.Machine.Load()
	}
	n.Chunks, n.Jobs = w.running.measure(now)
	for _, fps := range n.Jobs {
		n.FPS += fps
	}
	if n.State, n.Why = w.idleState(now); len(n.Chunks) > 0 {
		n.State = pipeline.NodeEncoding
	}
	return n
}

// idleState returns the state of a node without work, and why it has none.
func (w *Worker) idleState(now time.Time) (state, why string) {
	failed, left := w.faults.said(now)
	lacks := w.memory.lacks()
	if lacks == "" && w.running.count() == 0 { // else its slots still count for the jobs that it may encode
		lacks = w.builds.lacks()
	}
	return stateOf(w.pause.words(now), failed, left, lacks)
}

// stateOf picks what a node without work says of itself. paused is why it claims nothing, failed what failed here
// lately, lacks why it can't encode what there is, each "" if there is none; left means that chunks are left to other
// nodes.
func stateOf(paused, failed string, left bool, lacks string) (state, why string) {
	switch {
	case paused != "":
		return pipeline.NodeResting, paused
	case left:
		return pipeline.NodeResting, failed
	case lacks != "":
		return pipeline.NodeResting, lacks
	}
	return pipeline.NodeIdle, failed
}

// statusLine is what the service manager shows.
func statusLine(n *pipeline.Node) string {
	if len(n.Chunks) == 0 {
		return strings.TrimSpace(n.State + " " + n.Why)
	}
	return fmt.Sprintf("encoding %s, %.1f frames/s", english.Plural(len(n.Chunks), "chunk", ""), n.FPS)
}
