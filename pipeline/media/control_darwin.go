package media

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// prepare gives a child a group of its own and its limits, which macOS lets nobody set from outside: a shell sets them
// for itself and becomes the child. sh(1) counts sizes of files in 512 bytes. There is no limit of memory that macOS
// would heed (setrlimit(2), RLIMIT_DATA counts no mappings).
//
// Nor is there a Pdeathsig: a child of a process that was killed goes on to its end. It does no harm, as nobody else
// ever writes to a file of its name, and nobody takes what it writes for a result.
func prepare(cmd *exec.Cmd, limits Limits) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	script := "ulimit -c 0; "
	if limits.File > 0 {
		script += fmt.Sprintf("ulimit -f %d; ", limits.File/512+1)
	}
	if limits.CPU > 0 { // beyond our own, should this process not be there to see it
		script += fmt.Sprintf("ulimit -t %d; ", int64((limits.CPU + limits.CPU/4).Seconds()))
	}
	cmd.Args = append([]string{"sh", "-c", script + `exec "$@"`, "sh", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}

// holdThread has nothing to do: no thread's end is a child's.
func holdThread() (letGo func()) { return func() {} }

// started notes a child that has just begun, and keeps the machine awake until it ends (caffeinate(8)). There are no
// classes of reading and writing that another process could be given.
func (p *Process) started(pid, nice int, _ bool, _ Limits) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pid = pid
	if nice != 0 {
		// Less than our own needs a right that we may lack; the encode goes on as it is.
		_ = syscall.Setpriority(syscall.PRIO_PGRP, pid, nice)
	}
	awake := exec.Command("/usr/bin/caffeinate", "-i", "-w", strconv.Itoa(pid))
	if awake.Start() == nil { // a machine that sleeps goes on when it wakes
		go func() { _ = awake.Wait() }()
	}
	return nil
}

// CPU is the time the child has spent on processors.
func (p *Process) CPU() (time.Duration, error) {
	s, err := p.look()
	return s.cpu, err
}

// Memory is what the child has of it, in bytes: what is resident.
func (p *Process) Memory() int64 {
	s, _ := p.look() // 0 of one that has ended
	return s.memory
}

// waits reports whether the child waits for a processor, for a disk or a share that hangs, or is stopped: states R, U
// and T of ps(1).
func (p *Process) waits() bool {
	s, err := p.look()
	return err == nil && strings.ContainsAny(s.state, "RUT")
}

// seen is what ps(1) says of a process. The kernel's own functions for it need a C compiler.
type seen struct {
	cpu    time.Duration
	memory int64 // bytes
	state  string
}

func (p *Process) look() (seen, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return seen{}, errEnded
	}
	out, err := exec.Command("/bin/ps", "-o", "time=,rss=,state=", "-p", strconv.Itoa(p.pid)).Output()
	if err != nil {
		return seen{}, errEnded
	}
	return readSeen(string(out))
}

// readSeen reads a line such as "1:02:03.45 10240 R+", with the memory in KiB.
func readSeen(line string) (s seen, err error) {
	f := strings.Fields(line)
	if len(f) != 3 {
		return seen{}, errEnded
	}
	seconds := 0.0
	for part := range strings.SplitSeq(f[0], ":") {
		n, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return seen{}, fmt.Errorf("cannot read a time of ps: %w", err)
		}
		seconds = 60*seconds + n
	}
	kib, err := strconv.ParseInt(f[1], 10, 64)
	return seen{time.Duration(seconds * float64(time.Second)), kib << 10, f[2]}, err
}
