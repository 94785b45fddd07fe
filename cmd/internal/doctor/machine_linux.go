package doctor

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// checkLimits looks at what the kernel gives this user. root is the machine's root folder.
func checkLimits(root fs.FS) []Finding { return []Finding{checkOpenFiles(root), checkInotify(root)} }

// fieldsOf returns the fields of the first line of a file that begins with prefix.
func fieldsOf(root fs.FS, name, prefix string) []string {
	data, err := fs.ReadFile(root, name)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, prefix) {
			return strings.Fields(line)
		}
	}
	return nil
}

// wantedFiles is how many chunks one merge opens at once: 8 hours in chunks of 20 s are 1440.
const wantedFiles = 4096

// checkOpenFiles looks at the hard limit: the soft one is raised for the tools.
func checkOpenFiles(root fs.FS) Finding {
	f := fieldsOf(root, "proc/self/limits", "Max open files")
	if len(f) < 5 {
		return advice("open files", "the limit can't be read from /proc/self/limits")
	}
	if n, err := strconv.Atoi(f[4]); err == nil && n < wantedFiles {
		return advice("open files", "at most %d at once", n).because("the merge opens all chunks of a job at once",
			fmt.Sprintf("raise the hard limit to %d or more (LimitNOFILE= in the unit, `ulimit -Hn` in a shell)", wantedFiles))
	}
	return ok("open files", "at most %s at once", f[4])
}

// checkInotify looks at what is left to see local changes at once.
func checkInotify(root fs.FS) Finding {
	watches, instances := sysctl(root, "fs/inotify/max_user_watches"), sysctl(root, "fs/inotify/max_user_instances")
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err == nil {
		_ = unix.Close(fd)
	}
	seen := fmt.Sprintf("%d watches, %d instances for each user", watches, instances)
	if err == nil && watches >= 1024 {
		return ok("inotify", "%s", seen)
	}
	if err != nil {
		seen += fmt.Sprintf("; a new one: %v", err)
	}
	return advice("inotify", "%s", seen).because("files dropped on this machine are seen by the next scan only",
		"raise fs.inotify.max_user_watches and max_user_instances (sysctl); nothing else depends on it")
}

func sysctl(root fs.FS, name string) int {
	data, err := fs.ReadFile(root, "proc/sys/"+name)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	return n
}
