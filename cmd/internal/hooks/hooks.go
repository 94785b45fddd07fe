// Package hooks runs the programs that people want to be told with that a job was begun or has ended. A hook never
// holds up the farm: it runs beside it, for a limited time, a few at once. An event is crossed off when its program has
// run, however that ended: a program that was killed with the master is run again by the next one.
package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/distenc/distenc/pipeline"
)

const (
	// atOnce is how many hooks run side by side.
	atOnce = 4
	// waiting is how many events may wait for their hook; the log tells of more, and the next master has them.
	waiting = 1000
	// killGrace is how long a hook may take to end after SIGTERM.
	killGrace = 5 * time.Second
	// maxOutput bounds what of a hook's output goes to the log, in bytes.
	maxOutput = 8 << 10
	// maxValue bounds a variable, in bytes: execve(2) takes no string of more than 128 KiB.
	maxValue = 32 << 10
)

// Receiver is the hooks' name among those who are told of events.
const Receiver = "hook"

// VariablePrefix begins the names of the variables that tell a program of the job.
const VariablePrefix = "DISTENC_HOOK_"

// Hooks are the programs, with their arguments; empty: none.
type Hooks struct {
	Started, Done, Failed []string
	Timeout               time.Duration
}

// of returns the program for an event of that kind.
func (h Hooks) of(kind pipeline.EventKind) []string {
	switch kind {
	case pipeline.EventStarted:
		return h.Started
	case pipeline.EventDone:
		return h.Done
	case pipeline.EventFailed:
		return h.Failed
	}
	return nil
}

// Runner runs hooks. Its methods may be called from any goroutine.
type Runner struct {
	hooks func() Hooks
	log   *slog.Logger
	queue chan *pipeline.Untold
}

// New returns a runner that asks hooks, each time, what is to be run.
func New(hooks func() Hooks, log *slog.Logger) *Runner {
	return &Runner{hooks: hooks, log: log, queue: make(chan *pipeline.Untold, waiting)}
}

// Wants reports whether there is a program for events of that kind.
func (r *Runner) Wants(kind pipeline.EventKind) bool { return len(r.hooks().of(kind)) > 0 }

// Tell has the hook for an event run, soon. It never waits. Without a hook the event stands.
func (r *Runner) Tell(u *pipeline.Untold) {
	if !r.Wants(u.Kind) {
		return
	}
	select {
	case r.queue <- u:
	default:
		r.log.Error("too many hooks are waiting: this one is left to the next master", "job", u.Job.ID, "event", u.Kind)
	}
}

// Run runs the hooks that are asked for. When ctx ends, what is waiting is run too, and awaited.
func (r *Runner) Run(ctx context.Context) {
	var running sync.WaitGroup
	for range atOnce {
		running.Go(func() {
			for ctx.Err() == nil || len(r.queue) > 0 {
				select {
				case u := <-r.queue:
					r.one(u)
				case <-ctx.Done():
				}
			}
		})
	}
	running.Wait()
}

// one runs the hook for an event; what it prints and how it ends is in the log.
func (r *Runner) one(u *pipeline.Untold) {
	argv := r.hooks().of(u.Kind)
	if len(argv) == 0 || !u.Stands() {
		return // the configuration has changed meanwhile, or another master has run it
	}
	log := r.log.With("job", u.Job.ID, "event", u.Kind, "program", argv[0])
	began := time.Now()
	output, err := run(r.hooks().Timeout, argv, u.Event)
	for line := range strings.Lines(output) {
		log.Info("hook: " + strings.TrimRight(line, "\r\n"))
	}
	if err != nil {
		log.Error("a hook failed", "error", err, "seconds", int(time.Since(began).Seconds()))
	} else {
		log.Debug("a hook has run", "seconds", int(time.Since(began).Seconds()))
	}
	if err := u.Told(); err != nil {
		log.Warn("cannot write down that a hook has run: the next master runs it again", "error", err)
	}
}

// run starts the program in a process group of its own with the job on standard input. At the time limit
// the whole group gets SIGTERM and, a little later, SIGKILL.
func run(limit time.Duration, argv []string, e pipeline.Event) (output string, err error) {
	document, err := json.Marshal(e.Job)
	if err != nil {
		return "", err
	}
	tooLong := errors.New("stopped: it took longer than hooks.timeout (" + limit.String() + ")")
	ctx, cancel := context.WithTimeoutCause(context.Background(), limit, tooLong)
	defer cancel()
	out := &head{}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(append(document, '\n')), out, out
	cmd.Env = append(environment(), variables(e)...)
	asGroup(cmd)
	cmd.WaitDelay = killGrace
	err = cmd.Run()
	if cmd.Process != nil {
		endGroup(cmd)
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

// variables tell a program in short what stands on its standard input.
func variables(e pipeline.Event) (all []string) {
	j := e.Job
	for _, v := range [][2]string{
		{"EVENT", string(e.Kind)}, {"JOB", j.ID}, {"NAME", j.Name}, {"FOLDER", j.Folder}, {"PROFILE", j.Profile},
		{"STATE", string(j.State)}, {"SIZE", strconv.FormatInt(j.Size, 10)}, {"OUTPUT", j.Output},
		{"OUTPUT_SIZE", strconv.FormatInt(j.OutputSize, 10)}, {"ERROR", j.Error},
	} {
		value := strings.ReplaceAll(v[1], "\x00", "")
		all = append(all, VariablePrefix+v[0]+"="+value[:min(len(value), maxValue)])
	}
	return all
}

// head keeps the first bytes that are written to it.
type head struct{ buf []byte }

func (h *head) Write(p []byte) (int, error) {
	h.buf = append(h.buf, p[:min(len(p), maxOutput-len(h.buf))]...)
	return len(p), nil
}

func (h *head) String() string { return strings.ToValidUTF8(string(h.buf), "\uFFFD") }
