//go:build unix

package media

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
)

// programEnding is how the name of a program's file ends.
const programEnding = ""

// Process is a running child and its group. All methods may be called from any goroutine, also after
// the end, when they do nothing.
type Process struct {
	mu   sync.Mutex
	pid  int // 0: not started yet
	gone bool
}

// Pause stops the child's group with SIGSTOP, Resume lets it go on.
func (p *Process) Pause() error { return p.signal(syscall.SIGSTOP) }

// Resume lets a paused group go on.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

// ended is called when the child has been waited for. What it may have left in its group is killed.
func (p *Process) ended() {
	_ = p.signal(syscall.SIGKILL)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
}

// terminate asks the group to end. A stopped process takes SIGTERM only when it goes on.
func (p *Process) terminate() error {
	err := p.signal(syscall.SIGTERM)
	return errors.Join(err, p.signal(syscall.SIGCONT))
}

func (p *Process) signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || p.pid == 0 {
		return os.ErrProcessDone
	}
	if err := syscall.Kill(-p.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("cannot send %v to process group %d: %w", sig, p.pid, err)
	}
	return nil
}

// exitCode is a child's exit status; -1 if a signal ended it.
func exitCode(s *os.ProcessState) int { return s.ExitCode() }

// crash names the signal that a crashed child died of; "" if it did not crash.
func crash(s *os.ProcessState) string {
	status, _ := s.Sys().(syscall.WaitStatus)
	switch sig := status.Signal(); sig {
	case syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGFPE, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGSYS:
		return sig.String()
	}
	return ""
}

// outgrew reports whether a child was ended because a file of its own became too large.
func outgrew(s *os.ProcessState) bool {
	status, _ := s.Sys().(syscall.WaitStatus)
	return status.Signal() == syscall.SIGXFSZ
}

// toldToEnd reports whether a child was ended by a signal with which somebody asks a program to end. No program does
// that to itself: a cluster's scheduler sends it to all processes of a job at once, and a child may be gone before we
// have heard of it.
func toldToEnd(s *os.ProcessState) bool {
	status, _ := s.Sys().(syscall.WaitStatus)
	signal := status.Signal()
	return signal == syscall.SIGTERM || signal == syscall.SIGINT || signal == syscall.SIGHUP
}

// raiseFileLimit lets children open as many files as we may. Go raises the soft limit for itself and
// gives children the old one back (1024, too few for mkvmerge with a thousand chunks), unless the
// program has set the limit itself: see syscall.Setrlimit.
var raiseFileLimit = sync.OnceFunc(func() {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) == nil {
		most := syscall.Rlimit{Cur: lim.Max, Max: lim.Max}
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &most) != nil {
			// macOS takes less than its hard limit (setrlimit(2), OPEN_MAX); Go has raised ours as far as that.
			_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim) // what we have then is what the child has
		}
	}
})
