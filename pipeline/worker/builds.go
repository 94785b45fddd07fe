package worker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// pinsFor is how long a job's build is taken for the present one by a node that has it. A master changes it only after
// no such node has been there for long.
const pinsFor = time.Minute

// builds is which builds the jobs are encoded with, and why this node may not encode some of them. The zero value is
// ready. Safe for concurrent use.
type builds struct {
	mu    sync.Mutex
	jobs  map[string]pinned
	unfit map[string]string
}

// pinned is the build of a job.
type pinned struct {
	pins   pipeline.Pins
	looked time.Time
}

// withOurBuild leaves out the jobs that are encoded with a build that this node does not have, now or at all.
func (w *Worker) withOurBuild(ctx context.Context, jobs []string) []string {
	w.builds.forgetOthers(jobs)
	return slices.DeleteFunc(jobs, func(job string) bool { return !w.fits(ctx, job) })
}

// fits reports whether this node has the build that a job is encoded with.
func (w *Worker) fits(ctx context.Context, job string) bool {
	plan, err := w.plans.get(w.FS, job)
	if err != nil || !plan.Encodes() {
		return true // nor is it claimed, or anybody may
	}
	own, fault := w.Encoder.Build(ctx, plan.Settings.Encoder, plan.Out.PixFmt)
	now := pipeline.Build{}
	if plan.Build.Known() {
		if now, err = w.present(plan, own); err != nil {
			w.Log.Debug("cannot read with which build a job is encoded", "job", job, "error", err)
			return false
		}
	}
	why, metric := "", plan.Demand().Metric
	if metric != "" && fault == nil && w.Encoder.Measures(ctx, metric) != nil {
		why = fmt.Sprintf("its ffmpeg can't measure %s, by which films in work are encoded: %s", metric.Title(),
			metric.Remedy())
	}
	switch {
	case fault != nil:
		why = fmt.Sprintf("it has no %s for what is in work: %s", plan.Settings.Encoder, firstLine(fault))
	case now.Known() && now != own:
		why = fmt.Sprintf("it has %s, and the films in work are encoded with %s", own, now.Unlike(own))
	}
	w.builds.miss(job, why)
	return why == ""
}

// present returns the build that a job is encoded with. A node that has another one asks at each look, since it waits
// for a change.
func (w *Worker) present(plan *pipeline.Plan, own pipeline.Build) (pipeline.Build, error) {
	known := w.builds.of(plan.Job)
	if known.pins.Now() == own && time.Since(known.looked) < pinsFor {
		return own, nil
	}
	dir, err := pipeline.ListFolder(w.FS, plan.Job)
	if err != nil {
		return pipeline.Build{}, err
	}
	pins, err := pipeline.LoadPins(w.FS, plan, dir)
	if err != nil {
		return pipeline.Build{}, err
	}
	if len(pins) < len(known.pins) { // a listing may lack one
		pins = known.pins
	}
	w.builds.know(plan.Job, pinned{pins, time.Now()})
	return pins.Now(), nil
}

// leaves reports whether a job is left to others who are there, as it is encoded with their build. One whose build
// nobody there has may yet become this node's.
func (w *Worker) leaves(job string) bool {
	plan, err := w.plans.get(w.FS, job)
	if err != nil || w.builds.why(job) == "" {
		return false
	}
	now := w.builds.now(job)
	return slices.ContainsFunc(pipeline.Crew(w.FS), func(n pipeline.SeenNode) bool {
		return n.Node.Node != w.Node && n.Encodes(now, plan.Demand())
	})
}

func (b *builds) of(job string) pinned {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.jobs[job]
}

// now is the build that a job is encoded with; the zero one if any may be.
func (b *builds) now(job string) pipeline.Build { return b.of(job).pins.Now() }

func (b *builds) know(job string, p pinned) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.jobs == nil {
		b.jobs = map[string]pinned{}
	}
	b.jobs[job] = p
}

// miss notes why a job is not this node's, "" if it is.
func (b *builds) miss(job, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.unfit == nil {
		b.unfit = map[string]string{}
	}
	b.unfit[job] = why
}

func (b *builds) why(job string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.unfit[job]
}

// forgetOthers forgets all jobs but these.
func (b *builds) forgetOthers(jobs []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.jobs, func(job string, _ pinned) bool { return !slices.Contains(jobs, job) })
	maps.DeleteFunc(b.unfit, func(job string, _ string) bool { return !slices.Contains(jobs, job) })
}

// lacks returns why this node may not encode what is in work, for people; "" if it may, or if nothing is.
func (b *builds) lacks() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, job := range slices.Sorted(maps.Keys(b.unfit)) {
		if why := b.unfit[job]; why != "" {
			return why
		}
	}
	return ""
}
