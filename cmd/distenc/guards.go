package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"
)

// full says why the share has no room, "" while it has. A share that does not answer is not full: what
// needs it fails by itself, and says why.
func (f *farm) full() string {
	var st unix.Statfs_t
	if f.cfg().Disk.MinFree == 0 || unix.Statfs(f.fs.Root(), &st) != nil {
		return ""
	}
	free := st.Bavail * uint64(st.Bsize) // what an ordinary user may write: statfs(2)
	if free >= uint64(f.cfg().Disk.MinFree) {
		return ""
	}
	return fmt.Sprintf("the share has only %s free, less than disk.min_free (%s)",
		humanize.IBytes(free), humanize.IBytes(uint64(f.cfg().Disk.MinFree)))
}

// rest says why this machine may claim no chunk now, "" while it may. running is how many encodes of
// its own it has, each with threads threads.
func (f *farm) rest(threads int) func(running int) string {
	return func(running int) string {
		if h := f.cfg().Worker.Hours; !h.Contains(time.Now()) {
			return "outside its hours " + h.String()
		}
		if limit := f.cfg().Worker.MaxLoad; limit > 0 {
			if others := load() - float64(running*threads); others > limit {
				return fmt.Sprintf("others need the machine: their load is %.1f, more than worker.max_load (%g)", others, limit)
			}
		}
		return f.full()
	}
}

// load is the load average of the last minute (proc_loadavg(5)), 0 where there is none.
func load() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), " ")
	all, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return all
}
