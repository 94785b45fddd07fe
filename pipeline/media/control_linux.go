package media

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

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

// waits reports whether one of the child's threads waits for a processor, for a disk or a share that hangs, or is
// stopped: states R, D, T and t of proc_pid_stat(5).
func (p *Process) waits() bool {
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.PID()))
	if err != nil {
		return false
	}
	for _, name := range names {
		if f := statFields(name); f != nil && strings.ContainsAny(f[0], "RDTt") {
			return true
		}
	}
	return false
}

// prepare gives a child a group of its own, and ends it with this process. Its limits are set when it has started.
func prepare(cmd *exec.Cmd, _ Limits) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// holdThread keeps this goroutine on its thread until it is let go. The kernel sends Pdeathsig when the thread that
// started the child ends, not the process (prctl(2), PR_SET_PDEATHSIG).
func holdThread() (letGo func()) {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

// What ioprio_set(2) is told: whose priority, and the class "idle" in the upper bits.
const (
	ioprioWhoPgrp = 2
	ioprioIdle    = 3 << 13
)

// started notes a child that has just begun, and sets what it may take. It never fails here.
func (p *Process) started(pid, nice int, idleIO bool, limits Limits) error {
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
	limits.apply(pid)
	return nil
}
