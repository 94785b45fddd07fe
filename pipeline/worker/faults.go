package worker

import (
	"fmt"
	"sync"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/distenc/distenc/pipeline"
)

// faults is what failed on this node lately. The zero value is ready. Safe for concurrent use.
type faults struct {
	mu   sync.Mutex
	left map[string]time.Time // chunks, by id, that are left to other nodes until then
	jobs map[string]bool      // of which a chunk failed, with no success since
	row  int                  // failures since the last success
	last string               // the last one's reason
}

// failed notes a failure. host tells that chunks of two jobs failed here with no success of theirs between: then it is
// this node that is at fault, not the chunks. A file that fails everywhere does not show that.
func (f *faults) failed(c pipeline.ChunkFile, reason string) (host bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.jobs == nil {
		f.jobs = map[string]bool{}
	}
	f.row, f.last, f.jobs[c.Job] = f.row+1, reason, true
	if host = len(f.jobs) >= 2; host {
		clear(f.jobs)
	}
	return host
}

// leave lets other nodes have a chunk until a time: that it fails with two of them tells a bad chunk from a bad node.
func (f *faults) leave(c pipeline.ChunkFile, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == nil {
		f.left = map[string]time.Time{}
	}
	f.left[c.ID()] = until
}

// leaves reports whether a chunk is left to other nodes.
func (f *faults) leaves(c pipeline.ChunkFile, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return now.Before(f.left[c.ID()])
}

// encoded notes that a chunk of a job was encoded here.
func (f *faults) encoded(job string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.row = 0
	delete(f.jobs, job)
}

// said tells people of failures since the last success, "" if there are none, and whether chunks are left to others.
func (f *faults) said(now time.Time) (words string, left bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, until := range f.left {
		if !now.Before(until) {
			delete(f.left, id)
		}
	}
	if f.row == 0 {
		return "", false
	}
	words = fmt.Sprintf("%s failed here since the last success", english.Plural(f.row, "encode", ""))
	if left = len(f.left) > 0; left {
		chunks := english.Plural(len(f.left), "chunk is", "chunks are")
		words += fmt.Sprintf(", and %s left to other nodes for a while", chunks)
	}
	return words + ": " + f.last, left
}
