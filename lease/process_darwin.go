package lease

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ended reports that there is no such process: kill(2), ESRCH.
func ended(pid int) bool {
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Signal(syscall.Signal(0))
	}
	return errors.Is(err, os.ErrProcessDone)
}

// Machine names the running kernel's boot, "" where that can't be found out.
func Machine() string {
	boot, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return strings.ToLower(boot)
}

// thisKernel names the running kernel. It has no namespaces.
func thisKernel() string { return Machine() }

// began is a process's start time by the clock of then (sysctl(3), KERN_PROC_PID), which stays when the clock is set.
func began(pid int) (string, error) {
	p, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return "", err
	}
	start := p.Proc.P_starttime
	return fmt.Sprintf("%d.%06d", start.Sec, start.Usec), nil
}
