package media

import (
	"io/fs"
	"iter"
	"path"
	"strings"
)

// groupMount is where control groups are mounted; those of version 1 are in a folder for each controller.
const groupMount = "sys/fs/cgroup"

// group is a control group (cgroups(7)): the folder with its files, and the version that says what they are called.
type group struct {
	dir string
	v2  bool
}

// groupsOf returns the groups in which a controller bounds this process, each before those above it. In a container
// that has no namespace of its own for groups, a path in /proc is the machine's, and only what is above it is there.
func groupsOf(root fs.FS, controller string) iter.Seq[group] {
	lines, _ := fs.ReadFile(root, "proc/self/cgroup") // none: there are no groups
	return func(yield func(group) bool) {
		for line := range strings.Lines(string(lines)) {
			parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
			if len(parts) != 3 {
				continue
			}
			mount, v2 := groupMount, parts[0] == "0"
			if !v2 && !strings.Contains(","+parts[1]+",", ","+controller+",") {
				continue
			}
			if !v2 {
				mount = path.Join(groupMount, controller)
			}
			for name := path.Join("/", parts[2]); ; name = path.Dir(name) {
				if !yield(group{path.Join(mount, name), v2}) {
					return
				}
				if name == "/" {
					break
				}
			}
		}
	}
}

// boundMemory applies the group's limit to what is free and what there is at most, in bytes. What the group keeps of
// files is free as far as nobody has used it lately.
func (g group) boundMemory(root fs.FS, free, most int64) (int64, int64) {
	limitName, usedName, cacheName := "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
	if g.v2 {
		limitName, usedName, cacheName = "memory.max", "memory.current", "inactive_file"
	}
	limit := readNumber(root, path.Join(g.dir, limitName))
	if limit <= 0 || limit >= most {
		return free, most
	}
	used := readNumber(root, path.Join(g.dir, usedName)) - fields(root, path.Join(g.dir, "memory.stat"))[cacheName]
	return min(free, max(0, limit-max(0, used))), limit
}

// cores returns how many processors the group's time is enough for; 0 where it has no limit.
func (g group) cores(root fs.FS) float64 {
	if !g.v2 {
		quota := readNumber(root, path.Join(g.dir, "cpu.cfs_quota_us")) // -1: no limit
		return ratio(quota, readNumber(root, path.Join(g.dir, "cpu.cfs_period_us")))
	}
	text, _ := fs.ReadFile(root, path.Join(g.dir, "cpu.max")) // none in a group without the controller
	quota, period, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	return ratio(natural(quota), natural(period))
}

// ratio is 0 where one of them is no number.
func ratio(a, b int64) float64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	return float64(a) / float64(b)
}
