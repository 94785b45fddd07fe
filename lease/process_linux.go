package lease

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// kernel knows processes by what the kernel that runs them shows. A process is named by the boot it lives
// in, the namespaces that its numbers hold in, its number, and when it began.
type kernel struct{}

// Self implements Processes.
func (kernel) Self() string {
	here, pid := thisKernel(), os.Getpid()
	began, err := began(pid)
	if here == "" || err != nil {
		return ""
	}
	return fmt.Sprintf("%s:%d:%s", here, pid, began)
}

// Gone implements Processes. Signal 0 is asked before /proc, which may hide other users' processes
// (hidepid, ProtectProc=): that one is not there is then no proof. A process that nobody has waited for
// yet is not gone.
func (kernel) Gone(name string) bool {
	parts := strings.Split(name, ":")
	if len(parts) != 5 || strings.Join(parts[:3], ":") != thisKernel() {
		return false
	}
	pid, err := strconv.Atoi(parts[3])
	if err != nil || pid <= 0 {
		return false
	}
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Signal(syscall.Signal(0))
		_ = p.Release() // nothing but a descriptor of it
	}
	if errors.Is(err, os.ErrProcessDone) {
		return true
	}
	now, err := began(pid)
	return err == nil && now != parts[4] // another process has the number now
}

// Machine names the running kernel's boot, "" where that can't be found out.
func Machine() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(boot))
}

// thisKernel names the running kernel and our namespaces, "" where that can't be found out. Times of the
// beginning are shown as the reader's time namespace has them (time_namespaces(7)).
func thisKernel() string {
	boot := Machine()
	pids, err := os.Readlink("/proc/self/ns/pid")
	if boot == "" || err != nil {
		return ""
	}
	times, _ := os.Readlink("/proc/self/ns/time") // none before Linux 5.6
	inode := strings.NewReplacer("pid:", "", "time:", "", "[", "", "]", "")
	return fmt.Sprintf("%s:%s:%s", boot, inode.Replace(pids), inode.Replace(times))
}

// began is a process's starttime (proc_pid_stat(5), field 22), in ticks since the boot. The second field is
// the program's name in parentheses, which may have some itself.
func began(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return "", errors.New("unknown form of /proc/PID/stat")
	}
	return fields[19], nil
}
