package worker

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// restTime is how long a host claims nothing after it failed chunks of two jobs: then the host is at fault,
// not the chunk. A file that fails everywhere makes nobody rest.
const restTime = 10 * time.Minute

// suspect notes that a chunk failed here, and leaves it to others.
func (w *Worker) suspect(c pipeline.ChunkFile, cause error) {
	w.leave(c, restTime)
	if w.faults.failed(c, firstLine(cause)) {
		w.pause.extend(time.Now().Add(restTime), "chunks of two jobs failed here, the last with: "+firstLine(cause))
		w.Log.Error("chunks of two jobs failed on this machine, it rests", "for", restTime)
	}
}

// troubleTime is how long nothing is claimed after an error that is this machine's or the share's.
const troubleTime = 30 * time.Second

// troubled hands a chunk back that could not be encoded for no fault of its own. Other nodes may fare better with it.
func (w *Worker) troubled(ctx context.Context, t *Task, cause error) {
	reason := "this machine or the share is in trouble: " + firstLine(cause)
	if sharefs.Full(cause) {
		reason = "the disk is full"
	}
	w.Log.Error("the chunk is handed back, nothing is claimed for a while",
		"chunk", t.File.ID(), "reason", reason, "error", firstLine(cause))
	w.removePartial(t)
	w.pause.extend(time.Now().Add(troubleTime), reason)
	w.leave(t.File, 2*troubleTime)
	w.handBack(ctx, t)
}

// leave lets other nodes have a chunk for a while, if there are any. Its own file says nothing of that: it may not be
// written yet, while this node tries its encoders.
func (w *Worker) leave(c pipeline.ChunkFile, d time.Duration) {
	here, err := pipeline.Present(w.FS, w.agreed.Load().Expiry)
	if err == nil && slices.ContainsFunc(here, func(n pipeline.SeenNode) bool { return n.Node.Node != w.Node }) {
		w.faults.leave(c, time.Now().Add(d))
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
