package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// kinds are the builds of the encoder that machines can have. The third writes the same headers as the first.
var kinds = []pipeline.Build{
	{Encoder: "x264", Version: "sim 1", Headers: "a"},
	{Encoder: "x264", Version: "sim 2", Headers: "b"},
	{Encoder: "x264", Version: "sim 3", Headers: "a"},
}

// hostOf names the nth machine with a worker.
func hostOf(n int) string { return fmt.Sprintf("pc%d", n) }

// installed is the build that a machine has now.
func (w *world) installed(host string) pipeline.Build {
	w.mu.Lock()
	defer w.mu.Unlock()
	return kinds[w.kinds[host]]
}

// upgrade puts another build on a machine, whatever runs there.
func (w *world) upgrade(host string, kind int) {
	w.mu.Lock()
	w.kinds[host] = kind
	w.mu.Unlock()
	w.judge.tally("upgraded")
	w.history.add(host, "fault", "upgraded to "+kinds[kind].Version, nil, "")
}

// leave switches a machine off for a time, or until the end of all faults.
func (w *world) leave(host string, d time.Duration) {
	w.mu.Lock()
	w.off[host] = time.Now().Add(d)
	var c *client
	for node, live := range w.clients {
		if strings.HasPrefix(node, host+"-") && live.alive() {
			c = live
		}
	}
	w.mu.Unlock()
	if c != nil {
		w.hit(c, "kill", 0, "with its machine")
	}
}

// powered waits until a machine is switched on again.
func (w *world) powered(host string) bool {
	for {
		w.mu.Lock()
		off := time.Now().Before(w.off[host])
		w.mu.Unlock()
		if !off || w.calm() {
			return true
		}
		if !w.sleep(10 * time.Second) {
			return false
		}
	}
}

// Build implements worker.Encoder: what was installed when it was tried.
func (e *encoder) Build(context.Context, string, string) (pipeline.Build, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.tried.Known() {
		e.tried = e.world.installed(e.host)
	}
	return e.tried, nil
}

// Builds implements worker.Encoder.
func (e *encoder) Builds(ctx context.Context) []pipeline.Offer {
	b, _ := e.Build(ctx, "", "")
	return []pipeline.Offer{{Build: b}}
}

// Measures implements worker.Encoder.
func (e *encoder) Measures(context.Context, pipeline.Metric) error { return nil }

// Metrics implements worker.Encoder.
func (e *encoder) Metrics(context.Context) []pipeline.Metric { return nil }

// told takes in what an encode has told of the build that made it.
func (e *encoder) told(b pipeline.Build) pipeline.Build {
	e.mu.Lock()
	if b.Version != e.tried.Version {
		e.tried = pipeline.Build{}
	}
	e.mu.Unlock()
	b, _ = e.Build(context.Background(), "", "")
	return b
}

// headersOf are those that stand in a result's first line.
func headersOf(result []byte) string {
	first, _, _ := strings.Cut(string(result), "\n")
	if words := strings.Fields(first); len(words) == 4 {
		return words[2]
	}
	return "none"
}

// drawBuilds gives some farms several builds, and changes them on the way.
func (w *world) drawBuilds(p *plan, on func(string, int) bool) {
	if !on("builds", 3) {
		return
	}
	for n := range p.workers {
		p.kinds = append(p.kinds, w.pick(fmt.Sprint("kind", n), len(kinds)))
	}
	for _, what := range []string{"upgrade", "leave"} {
		for n := range w.pick("times "+what, 4) {
			key := fmt.Sprint(what, n)
			p.events = append(p.events, trouble{at: w.span(key+"at", 20*time.Second, p.calm), what: what,
				who: w.pick(key+"who", 1000), last: w.span(key+"last", time.Minute, 30*time.Minute)})
		}
	}
}
