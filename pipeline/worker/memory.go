package worker

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/distenc/distenc/pipeline"
)

// memory lets a slot encode only what fits. The zero value lets everything. Safe for concurrent use.
type memory struct {
	read func() (free, most int64) // bytes. If nil, or if most is 0, that is not known

	mu       sync.Mutex
	promised int64             // to claims that are being made
	short    map[string]string // what did not fit when its job was tried last, by job
}

// promise keeps need bytes for a claim on a chunk of a job until release is called. owed returns what encodes that run
// may still take: it is asked while no promise can be released, since a claim that is won becomes one of them before.
func (m *memory) promise(job string, need int64, owed func() int64) (release func(), fits bool) {
	release = func() {}
	if m.read == nil || need == 0 {
		return release, true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	free, most := m.read()
	if most == 0 {
		return release, true
	}
	free = max(0, free-owed()-m.promised)
	if need > free {
		if m.short == nil {
			m.short = map[string]string{}
		}
		m.short[job] = fmt.Sprintf("a chunk needs about %s of memory, %s are free",
			pipeline.Gigabytes(need), pipeline.Gigabytes(free))
		return release, false
	}
	delete(m.short, job)
	m.promised += need
	return sync.OnceFunc(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.promised -= need
	}), true
}

// forgetOthers forgets what did not fit of all jobs but these.
func (m *memory) forgetOthers(jobs []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.short, func(job, _ string) bool { return !slices.Contains(jobs, job) })
}

// lacksFor reports whether a chunk of the job did not fit when it was tried last.
func (m *memory) lacksFor(job string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.short[job] != ""
}

// lacks returns what did not fit, for people; "" if all did.
func (m *memory) lacks() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, job := range slices.Sorted(maps.Keys(m.short)) {
		return m.short[job]
	}
	return ""
}

// most returns what an encode can have at most, in bytes; 0 if that is not known.
func (m *memory) most() int64 {
	if m.read == nil {
		return 0
	}
	_, most := m.read()
	return most
}
