package worker

import (
	"fmt"
	"sync"

	"github.com/distenc/distenc/pipeline"
)

// memory lets a slot encode only what fits. The zero value lets everything. Safe for concurrent use.
type memory struct {
	look func() (free, most int64) // bytes; nil, or a most of 0: not known

	mu       sync.Mutex
	promised int64  // to claims that are being made
	short    string // what did not fit at the last look, "" if all did
}

// promise keeps need bytes for a claim until release is called. owed is what encodes that run may still take.
func (m *memory) promise(need, owed int64) (release func(), fits bool) {
	release = func() {}
	if m.look == nil || need == 0 {
		return release, true
	}
	free, most := m.look()
	if most == 0 {
		return release, true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	free = max(0, free-owed-m.promised)
	if need > free {
		m.short = fmt.Sprintf("a chunk needs about %s of memory, %s are free", pipeline.Gigabytes(need), pipeline.Gigabytes(free))
		return release, false
	}
	m.promised += need
	return sync.OnceFunc(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.promised -= need
	}), true
}

// begin forgets what did not fit at the last look.
func (m *memory) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.short = ""
}

// lacks tells what did not fit, "" if all did.
func (m *memory) lacks() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.short
}

// most is what an encode can have at most, 0 where that is not known.
func (m *memory) most() int64 {
	if m.look == nil {
		return 0
	}
	_, most := m.look()
	return most
}

// promise keeps memory for one encode of the plan, if there is room for it beside those that run.
func (w *Worker) promise(plan *pipeline.Plan) (release func(), fits bool) {
	owed := int64(0)
	w.mu.Lock()
	for _, t := range w.tasks {
		owed += max(0, t.Plan.Memory.Of(w.Threads)-t.memory())
	}
	w.mu.Unlock()
	return w.memory.promise(plan.Memory.Of(w.Threads), owed)
}
