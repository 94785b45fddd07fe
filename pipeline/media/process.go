package media

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// killGrace is how long a child may take to end after SIGTERM; ffmpeg writes its trailer within it.
const killGrace = 5 * time.Second

// tailSize bounds what is kept of a child's stderr. A damaged source makes ffmpeg print without end. The first
// words, firstSize of it, are those in which encoders say who they are.
const (
	tailSize  = 16 << 10
	firstSize = 4 << 10
)

// Command is one child process to run.
type Command struct {
	Program string // a path out of Tools
	Args    []string
	Dir     string         // working directory; empty: ours
	Stdin   io.Reader      // nil: empty
	Stdout  io.Writer      // nil: discarded; called from another goroutine, never two at once
	Nice    int            // the child's nice value; 0: as ours
	Limits  Limits         // what it may take
	Started func(*Process) // called once, from Run's goroutine, before Run waits; may be nil
}

// ExitError is a child that ended by itself with another status than 0, or that said it could not write
// all of its output.
type ExitError struct {
	Program string
	Code    int    // -1: ended by a signal
	Stderr  string // the first and the last part of it, trimmed
	Own     string // its own messages in that, as Run returns them
	Err     error
	said    error // what it said of the operating system; nil: nothing
}

func (e *ExitError) Error() string {
	text := e.Err.Error()
	if line := LastReason(cmp.Or(e.Own, e.Stderr)); line != "" {
		text += ": " + line
	}
	return fmt.Sprintf("%s: %s", filepath.Base(e.Program), text)
}

// Lasting reports false: another child may fare better.
func (e *ExitError) Lasting() bool { return false }

// Unwrap gives the error of the operating system that the child spoke of as well, so that sharefs.Full and its like
// hold for what a child met as for what we met.
func (e *ExitError) Unwrap() []error {
	if e.said == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.said}
}

// unstarted is the exit status of a program whose loader failed, for want of a library or a symbol in it (glibc's
// rtld.c).
const unstarted = 127

// Blames tells an error that may be the fault of what the child was given: it ended by itself, and spoke of nothing
// else. By any other error nothing is decided about a file.
func Blames(err error) bool {
	exit, ok := errors.AsType[*ExitError](err)
	return ok && exit.Code >= 0 && exit.Code != unstarted && !sharefs.Undecided(err)
}

// Settles tells an error of a trial that would end like that again: the child said so itself, crashed, or took too
// long. By any other the trial has told nothing.
func Settles(err error) bool { return Blames(err) || Fault(err) != "" }

// failure is the error for a child that ended badly. What is in the command is left out of its words: a file's name
// may be "No space left".
func (c Command) failure(code int, stderr, own string, err error) *ExitError {
	words := cmp.Or(own, stderr)
	for _, arg := range c.Args {
		if strings.ContainsRune(arg, filepath.Separator) {
			words = strings.ReplaceAll(words, arg, "")
		}
	}
	e := &ExitError{Program: c.Program, Code: code, Stderr: stderr, Own: own, Err: err, said: sharefs.Said(words)}
	switch {
	case misspoken(words):
		e.said = nil
	case e.said == nil && unopened(words):
		e.said = syscall.EAGAIN
	}
	return e
}

// Run starts the child, waits for it, and returns the last part of what it wrote to stderr. Of ffmpeg and ffprobe
// that is their own messages, a line each; other lines there (a loader's, a library's) say nothing of their work.
//
// When ctx ends, the child's group gets SIGTERM and, killGrace later, SIGKILL, or is ended at once on Windows; the
// error then is ctx's cause. A child that fails is an *ExitError, one that goes beyond its limits a *LimitError. No
// child outlives Run, nor this process; on macOS one does if this process is killed.
func (t Tools) Run(ctx context.Context, c Command) (stderr string, err error) {
	if err := ctx.Err(); err != nil {
		return "", context.Cause(ctx)
	}
	defer holdThread()()

	raiseFileLimit()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	tail, out := &tailBuffer{}, &pulse{w: c.Stdout}
	cmd := exec.CommandContext(ctx, c.Program, c.Args...)
	cmd.Dir, cmd.Stdin, cmd.Stderr = c.Dir, c.Stdin, tail
	cmd.Env = environment()
	prepare(cmd, c.Limits)
	p := &Process{}
	cmd.Cancel = p.terminate
	cmd.WaitDelay = killGrace
	t.debug(ctx, "start", "command", ShellLine(c.Program, c.Args))
	copied, err := startInto(cmd, out)
	if err != nil {
		return "", fmt.Errorf("cannot start %q: %w", c.Program, err)
	}
	if err := p.started(cmd.Process.Pid, c.Nice, t.IdleIO, c.Limits); err != nil {
		err = errors.Join(err, cmd.Process.Kill())
		_, _ = cmd.Wait(), copied(ctx) // how it ended is known
		return "", fmt.Errorf("cannot start %q: %w", c.Program, err)
	}
	if c.Started != nil {
		c.Started(p)
	}
	var watching sync.WaitGroup
	watching.Go(func() { t.watch(ctx, c, p, out, end) })
	err = cmd.Wait()
	p.ended()
	if s := cmd.ProcessState; s != nil {
		t.debug(ctx, "end", "program", filepath.Base(c.Program), "pid", s.Pid(), "cpu", s.UserTime()+s.SystemTime())
	}
	if copyErr := copied(ctx); err == nil {
		err = copyErr
	}
	failed := ctx.Err() != nil // before our own end of it
	cause := context.Cause(ctx)
	end(nil)
	watching.Wait()
	all := tail.String()
	if stderr = all; c.Program == t.FFmpeg || c.Program == t.FFprobe {
		stderr = ownWords(all)
	}
	if err == nil && !unwritten.MatchString(stderr) {
		return stderr, nil
	}
	if failed {
		t.debug(ctx, "stopped", "program", c.Program, "cause", cause)
		return stderr, cause
	}
	if err == nil {
		err = c.failure(0, all, stderr, errors.New("its output is not whole"))
		t.debug(ctx, "failed", "program", c.Program, "error", err, "stderr", all)
		return stderr, err
	}
	t.debug(ctx, "failed", "program", c.Program, "error", err, "stderr", all)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if outgrew(exit.ProcessState) {
			return stderr, &LimitError{Program: c.Program, Reason: fmt.Sprintf("wrote more than %d bytes", c.Limits.File)}
		}
		e := c.failure(exitCode(exit.ProcessState), all, stderr, err)
		if toldToEnd(exit.ProcessState) {
			e.said = syscall.EINTR
		}
		return stderr, e
	}
	return stderr, fmt.Errorf("cannot run %q: %w", c.Program, err)
}

// RunFFmpeg runs ffmpeg with these arguments behind BaseArgs, as Run does.
func (t Tools) RunFFmpeg(ctx context.Context, limits Limits, args ...string) (stderr string, err error) {
	return t.Run(ctx, Command{Program: t.FFmpeg, Args: append(BaseArgs(), args...), Limits: limits})
}

// Pipe runs a program whose output is handed to read, in the caller's goroutine. An error of read ends it and is
// returned.
func (t Tools) Pipe(ctx context.Context, c Command, read func(io.Reader) error) (stderr string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, w := io.Pipe()
	c.Stdout = w
	ended := make(chan error, 1)
	go func() {
		var err error
		stderr, err = t.Run(ctx, c)
		_ = w.CloseWithError(err) // nil is io.EOF; always nil itself
		ended <- err
	}()
	in := &failing{Reader: r}
	if err = read(in); in.err != nil {
		err = in.err // the child's end says more than what is wrong with its last words
	} else if err != nil {
		cancel()
	}
	_ = r.CloseWithError(err) // whatever it did not read is nobody's; always nil itself
	if runErr := <-ended; err == nil {
		err = runErr
	}
	return stderr, err
}

// failing remembers the error that its reader ended with.
type failing struct {
	io.Reader
	err error
}

func (f *failing) Read(b []byte) (n int, err error) {
	if n, err = f.Reader.Read(b); err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// Output runs a program and returns its stdout, which may have limit bytes at most.
func (t Tools) Output(ctx context.Context, limit int, program string, args ...string) ([]byte, error) {
	out, _, err := t.output(ctx, Reading(0), limit, program, args...)
	return out, err
}

// output returns what went to stderr as well.
func (t Tools) output(
	ctx context.Context, limits Limits, limit int, program string, args ...string,
) (stdout []byte, stderr string, err error) {
	out := &limitedBuffer{limit: limit}
	stderr, err = t.Run(ctx, Command{Program: program, Args: args, Stdout: out, Limits: limits})
	if out.over {
		return nil, stderr, &LimitError{Program: program, Reason: fmt.Sprintf("printed more than %d bytes", limit)}
	}
	return out.buf, stderr, err
}

func (t Tools) debug(ctx context.Context, msg string, args ...any) {
	if t.Log != nil {
		t.Log.DebugContext(ctx, msg, args...)
	}
}

// environment is ours, but for what would translate the tools' messages, colour them, or make ffmpeg write a report
// file, and for our own settings, some of which are secrets.
func environment() []string {
	env := make([]string, 0, len(os.Environ())+3)
	for _, kv := range os.Environ() {
		key, _, _ := strings.Cut(kv, "=")
		key = strings.ToUpper(key) // Windows takes it in any case
		if key != "FFREPORT" && key != "SVT_LOG" && key != "LANGUAGE" && key != "LANG" &&
			!strings.HasPrefix(key, "LC_") && !strings.HasPrefix(key, "DISTENC_") {
			env = append(env, kv)
		}
	}
	// 3: SVT-AV1 says its version, and what it does not take (its Docs/Parameters.md).
	return append(env, "LC_ALL=C.UTF-8", "AV_LOG_FORCE_NOCOLOR=1", "SVT_LOG=3")
}

// ShellLine writes a command so that it can be pasted into a shell.
func ShellLine(program string, args []string) string {
	words := append([]string{program}, args...)
	for i, word := range words {
		if !plainWord.MatchString(word) {
			words[i] = sharefs.Quote(word)
		}
	}
	return strings.Join(words, " ")
}

// plainWord is one that a shell takes as it is.
var plainWord = regexp.MustCompile(`^[-a-zA-Z0-9_./:=,+@%]+$`)

// tailBuffer keeps the first firstSize bytes that were written to it, and the last ones, tailSize bytes in all.
type tailBuffer struct{ first, last []byte }

func (b *tailBuffer) Write(p []byte) (int, error) {
	n := min(len(p), firstSize-len(b.first))
	b.first, b.last = append(b.first, p[:n]...), append(b.last, p[n:]...)
	if over := len(b.last) - (tailSize - firstSize); over > 0 {
		b.last = b.last[:copy(b.last, b.last[over:])]
	}
	return len(p), nil
}

func (b *tailBuffer) String() string {
	return strings.TrimSpace(strings.ToValidUTF8(string(b.first)+string(b.last), "\uFFFD"))
}

// limitedBuffer takes limit bytes, refuses what goes beyond, which ends the child, and remembers that there was more.
// It embeds no bytes.Buffer: io.Copy would go around Write by its ReadFrom.
type limitedBuffer struct {
	buf   []byte
	limit int
	over  bool
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.over = b.over || len(b.buf)+len(p) > b.limit; b.over {
		return 0, io.ErrShortWrite
	}
	b.buf = append(b.buf, p...)
	return len(p), nil
}
