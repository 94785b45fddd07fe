package lease

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// ended reports that there is no such process. Signal 0 is asked and not /proc, which may hide other users' processes
// (hidepid, ProtectProc=). A process that nobody has waited for yet has not ended.
func ended(pid int) bool {
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Signal(syscall.Signal(0))
		_ = p.Release() // nothing but a descriptor of it
	}
	return errors.Is(err, os.ErrProcessDone)
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
