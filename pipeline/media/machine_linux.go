package media

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Memory returns how many bytes programs on this machine can still have, and how many at most, by the machine
// (MemAvailable and MemTotal, proc_meminfo(5)) and by the control groups that this process is in. 0, 0 where that
// can't be told.
func Memory() (free, most int64) { return memoryOf(os.DirFS("/")) }

// Cores returns how many of the machine's processors programs here can keep busy: by the processors that this process
// may run on (sched_getaffinity(2)), and by the time on them that its control groups allow. A part of one counts as
// one: it should not lie idle.
//
// GOMAXPROCS, which is bound in the same way, is never less than two, but it can be set in the environment: where a
// cluster's scheduler gives a job some processors and does not bind it to them.
func Cores() int { return coresOf(os.DirFS("/"), runtime.GOMAXPROCS(0)) }

func coresOf(root fs.FS, cores int) int {
	for group := range groupsOf(root, "cpu") {
		if allowed := group.cores(root); allowed > 0 {
			cores = min(cores, max(1, int(math.Ceil(allowed))))
		}
	}
	return cores
}

// memoryOf reads /proc and /sys/fs/cgroup below root.
func memoryOf(root fs.FS) (free, most int64) {
	info := fields(root, "proc/meminfo")
	free, most = info["MemAvailable:"]<<10, info["MemTotal:"]<<10
	if most == 0 {
		return 0, 0
	}
	for group := range groupsOf(root, "memory") {
		free, most = group.boundMemory(root, free, most)
	}
	return free, most
}

// readNumber reads a file that holds one; 0 where it is none ("max") or there is no such file.
func readNumber(root fs.FS, name string) int64 {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	return natural(string(bytes.TrimSpace(b)))
}

// natural is 0 where the text is none; what is too large for an int64 is the largest.
func natural(text string) int64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return int64(min(n, math.MaxInt64))
}

// fields reads lines of a name and a number.
func fields(root fs.FS, name string) map[string]int64 {
	all := map[string]int64{}
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return all
	}
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) >= 2 {
			all[f[0]], _ = strconv.ParseInt(f[1], 10, 64) // 0 where it is no number
		}
	}
	return all
}
