package media

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// errEnded is the answer to a signal for a child that has ended.
var errEnded = errors.New("the process has ended")

// Process is a running child and its group. All methods may be called from any goroutine, also after
// the end, when they do nothing.
type Process struct {
	mu   sync.Mutex
	pid  int // 0: not started yet
	gone bool
}

// PID is the child's process id, which is its group's too.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// Pause stops the child's group with SIGSTOP, Resume lets it go on.
func (p *Process) Pause() error { return p.signal(syscall.SIGSTOP) }

// Resume lets a paused group go on.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

// CPU is the time the child has spent on processors, in steps of 10 ms: utime and stime, fields 14 and 15 of
// proc_pid_stat(5). The unit is USER_HZ, 1/100 s on every Linux.
func (p *Process) CPU() (time.Duration, error) {
	f := p.stat()
	if f == nil {
		return 0, errEnded
	}
	return time.Duration(number(f[11])+number(f[12])) * 10 * time.Millisecond, nil
}

// Memory is what the child has of it, in bytes: resident, field 24.
func (p *Process) Memory() int64 {
	f := p.stat()
	if f == nil {
		return 0
	}
	return number(f[21]) * int64(os.Getpagesize())
}

func number(field string) int64 {
	n, _ := strconv.ParseInt(field, 10, 64) // of the kernel's: it is one
	return n
}

// stat reads the child's fields from the third on; nil if it has ended.
func (p *Process) stat() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return nil
	}
	return statFields(fmt.Sprintf("/proc/%d/stat", p.pid))
}

// statFields reads a file of proc_pid_stat(5). The second field is the program's name in parentheses and may hold
// anything, so that counting starts behind the last one. nil: there is no such file any more.
func statFields(name string) []string {
	stat, err := os.ReadFile(name)
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if err != nil || len(f) < 22 {
		return nil
	}
	return f
}

// What ioprio_set(2) is told: whose priority, and the class "idle" in the upper bits.
const (
	ioprioWhoPgrp = 2
	ioprioIdle    = 3 << 13
)

func (p *Process) started(pid, nice int, idleIO bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pid = pid
	if nice != 0 {
		// Less than our own needs a right that we may lack; the encode goes on as it is.
		_ = syscall.Setpriority(syscall.PRIO_PGRP, pid, nice)
	}
	if idleIO { // a file system without such classes ignores it, and so do we
		_, _, _ = syscall.Syscall(syscall.SYS_IOPRIO_SET, ioprioWhoPgrp, uintptr(pid), ioprioIdle)
	}
}

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
