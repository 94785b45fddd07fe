package media

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// Memory returns how many bytes programs on this machine can still have, and how many at most, by the machine
// (MemAvailable and MemTotal, proc_meminfo(5)) and by the control groups that this process is in. 0, 0 where that
// can't be told.
func Memory() (free, most int64) { return memoryOf(os.DirFS("/")) }

// memoryOf reads /proc and /sys/fs/cgroup below root.
func memoryOf(root fs.FS) (free, most int64) {
	info := fields(root, "proc/meminfo")
	free, most = info["MemAvailable:"]<<10, info["MemTotal:"]<<10
	if most == 0 {
		return 0, 0
	}
	groups, _ := fs.ReadFile(root, "proc/self/cgroup") // none: there are no groups
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		v := cgroup2
		if parts[0] != "0" {
			if v = cgroup1; !strings.Contains(","+parts[1]+",", ",memory,") {
				continue
			}
		}
		free, most = v.bound(root, parts[2], free, most)
	}
	return free, most
}

// groupFiles are what a version of control groups calls its files.
type groupFiles struct{ mount, limit, used, cache string }

var (
	cgroup1 = groupFiles{"sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}
	cgroup2 = groupFiles{"sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"}
)

// bound applies the limits of a group and of all those above it. In a container that has no namespace of its own for
// them the group's path is the machine's, and only what is above it is there.
func (g groupFiles) bound(root fs.FS, group string, free, most int64) (int64, int64) {
	for dir := path.Join(g.mount, group); ; dir = path.Dir(dir) {
		limit := readNumber(root, path.Join(dir, g.limit))
		if limit > 0 && limit < most {
			used := readNumber(root, path.Join(dir, g.used)) - fields(root, path.Join(dir, "memory.stat"))[g.cache]
			free, most = min(free, max(0, limit-max(0, used))), limit
		}
		if dir == g.mount || !strings.HasPrefix(dir, g.mount) {
			return free, most
		}
	}
}

// readNumber reads a file that holds one; 0 where it is none ("max") or there is no such file.
func readNumber(root fs.FS, name string) int64 {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 64)
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
