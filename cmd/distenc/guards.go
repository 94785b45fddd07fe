package main

import (
	"fmt"
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

// load is the load average of the last minute, which sysinfo(2) tells as a fixed-point number; 0 where it does not.
func load() float64 {
	var info unix.Sysinfo_t
	_ = unix.Sysinfo(&info) // it fails for a bad address only
	return float64(info.Loads[0]) / (1 << 16)
}
