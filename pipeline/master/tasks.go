package master

import (
	"context"
	"strings"
	"sync"
	"time"
)

// tasks runs what takes long (reading a source, cutting, merging) beside the main loop, and brings each
// result back as a function that the main loop runs, so that one goroutine owns all state. Its methods
// but the tasks themselves belong to that goroutine.
type tasks struct {
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	running map[string]bool // by key: is it for a large film?
	results chan func()
	took    func(stage string, d time.Duration)
}

func newTasks(ctx context.Context, took func(string, time.Duration)) *tasks {
	ctx, cancel := context.WithCancel(ctx)
	return &tasks{ctx: ctx, cancel: cancel, took: took, running: map[string]bool{}, results: make(chan func())}
}

// start runs work unless its key ("stage/what") is running already or its lane has no room. What work returns is run
// by the main loop, unless the context has ended.
func (t *tasks) start(key string, l lane, work func(ctx context.Context) func()) bool {
	stage, _, _ := strings.Cut(key, "/")
	if t.busy(key) || !t.room(stage, l) || t.ctx.Err() != nil {
		return false
	}
	t.running[key] = l.large > 0
	t.wg.Go(func() {
		began := time.Now()
		apply := work(t.ctx)
		if t.ctx.Err() == nil {
			t.took(stage, time.Since(began))
		}
		done := func() {
			if delete(t.running, key); t.ctx.Err() == nil {
				apply()
			}
		}
		select {
		case t.results <- done:
		case <-t.ctx.Done():
		}
	})
	return true
}

// room reports whether a task of the stage may begin.
func (t *tasks) room(stage string, l lane) bool {
	n := t.count(stage)
	return n.all < l.all && (l.large == 0 || n.large < l.large)
}

// count returns how many tasks of a stage run, and how many of them for large films.
func (t *tasks) count(stage string) (n lane) {
	for key, large := range t.running {
		if !strings.HasPrefix(key, stage+"/") {
			continue
		}
		if n.all++; large {
			n.large++
		}
	}
	return n
}

func (t *tasks) busy(key string) bool {
	_, running := t.running[key]
	return running
}

func (t *tasks) idle() bool { return len(t.running) == 0 }

// drain applies all results that are there.
func (t *tasks) drain() {
	for {
		select {
		case apply := <-t.results:
			apply()
		default:
			return
		}
	}
}

// stop ends all tasks and waits for them; their results are dropped, the share has them.
func (t *tasks) stop() {
	t.cancel()
	t.wg.Wait()
}

// sideBySide is how many chunks the master makes and results it reads at once: most of the time it waits for the
// share.
const sideBySide = 8
