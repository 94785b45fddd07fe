package lease

import (
	"fmt"
	"os"
	"strconv"
	"strings"
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

// Gone implements Processes. Whether the process is there is asked before when it began, which may be hidden: that it
// can't be had is then no proof.
func (kernel) Gone(name string) bool {
	here, pid, start := cutProcess(name)
	if here == "" || here != thisKernel() {
		return false
	}
	n, err := strconv.Atoi(pid)
	if err != nil || n <= 0 {
		return false
	}
	if ended(n) {
		return true
	}
	now, err := began(n)
	return err == nil && now != start // another process has the number now
}

// cutProcess takes a process's name apart: its kernel, its number, when it began.
func cutProcess(name string) (here, pid, began string) {
	last := strings.LastIndexByte(name, ':')
	if last < 0 {
		return "", "", ""
	}
	name, began = name[:last], name[last+1:]
	if last = strings.LastIndexByte(name, ':'); last < 0 {
		return "", "", ""
	}
	return name[:last], name[last+1:], began
}
