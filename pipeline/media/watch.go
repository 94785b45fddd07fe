package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// maxSilence is how long a child may show no sign of life: no time on a processor, nothing written to us. It is not
// counted while the child waits for its turn on a processor, for us or for a disk, while it is stopped, and while the
// share does not answer.
const maxSilence = 10 * time.Minute

// LimitError is a child that was ended because it took more than its Limits, or showed no sign of life.
type LimitError struct {
	Program string
	Reason  string // what it did, such as "showed no sign of life for 10m0s"
	Empty   bool   // it slept, and had given no frame: perhaps it was not given any
}

// Lasting tells a limit that the same work would meet again from a silence, which may be the machine's.
func (e *LimitError) Lasting() bool { return !strings.HasPrefix(e.Reason, silence) }

const silence = "showed no sign of life"

func (e *LimitError) Error() string { return filepath.Base(e.Program) + " was stopped: it " + e.Reason }

// Fault tells what a file did to the child that read it, other than to be refused by it: "ffprobe crashed
// (segmentation fault)"; "" if the error is none of these.
func Fault(err error) string {
	if limit, ok := errors.AsType[*LimitError](err); ok {
		return limit.Error()
	}
	exit, ok := errors.AsType[*ExitError](err)
	if !ok {
		return ""
	}
	if ended, ok := errors.AsType[*exec.ExitError](exit.Err); ok {
		if how := crash(ended.ProcessState); how != "" {
			return fmt.Sprintf("%s crashed (%s)", filepath.Base(exit.Program), how)
		}
	}
	return ""
}

// checksPerSilence is how finely silence is counted.
const checksPerSilence = 40

// watch looks at a child from time to time, and ends it with a *LimitError that says why. It returns with ctx.
func (t Tools) watch(ctx context.Context, c Command, p *Process, out *pulse, end context.CancelCauseFunc) {
	hurry := max(1, t.Hurry)
	w := watched{limits: c.Limits, process: p, out: out, maxSilence: maxSilence / hurry, answers: t.Answers}
	w.limits.CPU /= hurry
	w.limits.Stall /= hurry
	w.limits.Start /= hurry
	w.progress, _ = c.Stdout.(*Progress)
	tick := time.NewTicker(w.maxSilence / checksPerSilence)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if reason := w.check(w.maxSilence / checksPerSilence); reason != "" {
			end(&LimitError{Program: c.Program, Reason: reason, Empty: strings.HasPrefix(reason, silence) && w.empty()})
			return
		}
	}
}

// watched is what is known of one child. It belongs to the goroutine in watch.
type watched struct {
	limits     Limits
	process    *Process
	progress   *Progress // nil: none is told
	out        *pulse
	maxSilence time.Duration
	answers    func() bool

	cpu, since time.Duration // spent in all, and at the last progress
	written    int64
	reported   int64
	silent     time.Duration
}

// check returns why the child is to be ended, "" if it is not. tick is what a look adds to a silence: not the time that
// passed, since this process may have stood still as well.
func (w *watched) check(tick time.Duration) string {
	cpu, err := w.process.CPU()
	if err != nil {
		return ""
	}
	if w.limits.CPU > 0 && cpu > w.limits.CPU {
		return fmt.Sprintf("took more than %v on processors", w.limits.CPU)
	}
	if w.progress != nil {
		if reported := w.progress.reported.Load(); reported != w.reported {
			w.reported, w.since = reported, cpu
		}
		if w.limits.Stall > 0 && cpu-w.since > w.limits.Stall {
			return fmt.Sprintf("made no progress in %v on processors", w.limits.Stall)
		}
	}
	written := w.out.written.Load()
	if cpu != w.cpu || written != w.written || w.out.busy.Load() || w.process.waits() || w.silent > 0 && w.away() {
		w.cpu, w.written, w.silent = cpu, written, 0
		return ""
	}
	limit := w.maxSilence
	if w.limits.Start > 0 && w.empty() {
		limit = min(limit, w.limits.Start)
	}
	if w.silent += tick; w.silent > limit {
		return fmt.Sprintf(silence+" for %v", limit)
	}
	return ""
}

// empty tells that the child has given no frame yet, if it tells of frames at all.
func (w *watched) empty() bool { return w.progress != nil && w.progress.frames.Load() == 0 }

// away tells that the share does not answer.
func (w *watched) away() bool { return w.answers != nil && !w.answers() }

// pulse counts what a child writes on its way to w.
type pulse struct {
	w       io.Writer
	written atomic.Int64
	busy    atomic.Bool // the child may be waiting for w to take it
}

func (p *pulse) Write(b []byte) (int, error) {
	p.busy.Store(true)
	defer p.busy.Store(false)
	n, err := p.w.Write(b)
	p.written.Add(int64(n))
	return n, err
}
