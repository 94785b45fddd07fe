// Package hooks runs the programs that people want to be told with that a job has ended. A hook never holds
// up the farm: it runs beside it, for a limited time, a few at once.
package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/distenc/distenc/pipeline"
)

const (
	// atOnce is how many hooks run side by side.
	atOnce = 4
	// waiting is how many ended jobs may wait for their hook; more are dropped, and the log says so.
	waiting = 1000
	// killGrace is how long a hook may take to end after SIGTERM.
	killGrace = 5 * time.Second
	// maxOutput bounds what of a hook's output goes to the log, in bytes.
	maxOutput = 8 << 10
)

// Hooks are the programs, with their arguments; empty: none.
type Hooks struct {
	Done, Failed []string
	Timeout      time.Duration
}

// Runner runs hooks. Its methods may be called from any goroutine.
type Runner struct {
	hooks func() Hooks
	log   *slog.Logger
	queue chan pipeline.JobStatus
}

// New returns a runner that asks hooks, each time, what is to be run.
func New(hooks func() Hooks, log *slog.Logger) *Runner {
	return &Runner{hooks: hooks, log: log, queue: make(chan pipeline.JobStatus, waiting)}
}

// Ended has the hook for a job run, soon. It never waits.
func (r *Runner) Ended(j pipeline.JobStatus) {
	if len(r.argv(j)) == 0 {
		return
	}
	select {
	case r.queue <- j:
	default:
		r.log.Error("too many hooks are waiting, this one is dropped", "job", j.ID, "state", j.State)
	}
}

func (r *Runner) argv(j pipeline.JobStatus) []string {
	switch j.State {
	case pipeline.Done, pipeline.Skipped:
		return r.hooks().Done
	case pipeline.JobFailed:
		return r.hooks().Failed
	}
	return nil
}

// Run runs the hooks that are asked for. When ctx ends, what is waiting is run too, and awaited.
func (r *Runner) Run(ctx context.Context) {
	var running sync.WaitGroup
	for range atOnce {
		running.Go(func() {
			for ctx.Err() == nil || len(r.queue) > 0 {
				select {
				case j := <-r.queue:
					r.one(j)
				case <-ctx.Done():
				}
			}
		})
	}
	running.Wait()
}

// one runs the hook for a job; what it prints and how it ends is in the log.
func (r *Runner) one(j pipeline.JobStatus) {
	argv := r.argv(j)
	if len(argv) == 0 {
		return // the configuration has changed meanwhile
	}
	log := r.log.With("job", j.ID, "state", j.State, "program", argv[0])
	began := time.Now()
	output, err := run(r.hooks().Timeout, argv, j)
	for line := range strings.Lines(output) {
		log.Info("hook: " + strings.TrimRight(line, "\r\n"))
	}
	if err != nil {
		log.Error("a hook failed", "error", err, "seconds", int(time.Since(began).Seconds()))
		return
	}
	log.Debug("a hook has run", "seconds", int(time.Since(began).Seconds()))
}

// run starts the program in a process group of its own with the job on standard input. At the time limit
// the whole group gets SIGTERM and, a little later, SIGKILL.
func run(limit time.Duration, argv []string, j pipeline.JobStatus) (output string, err error) {
	document, err := json.Marshal(j)
	if err != nil {
		return "", err
	}
	tooLong := errors.New("stopped: it took longer than hooks.timeout (" + limit.String() + ")")
	ctx, cancel := context.WithTimeoutCause(context.Background(), limit, tooLong)
	defer cancel()
	out := &head{}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(append(document, '\n')), out, out
	cmd.Env = environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = killGrace
	err = cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left behind in its group
	}
	if ctx.Err() != nil {
		return out.String(), context.Cause(ctx)
	}
	return out.String(), err
}

// environment is what a program needs to run as this user, whatever the daemon was started with: its settings and
// the service manager's sockets are its own affair.
func environment() []string {
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"}
	for _, name := range []string{"HOME", "USER", "LOGNAME", "TZ", "TMPDIR"} {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// head keeps the first bytes that are written to it.
type head struct{ buf []byte }

func (h *head) Write(p []byte) (int, error) {
	h.buf = append(h.buf, p[:min(len(p), maxOutput-len(h.buf))]...)
	return len(p), nil
}

func (h *head) String() string { return strings.ToValidUTF8(string(h.buf), "\uFFFD") }
