package main

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/distenc/distenc/lease/sharefs"
)

// full says why the share has no room, "" while it has. A share that does not answer is not full: what
// needs it fails by itself, and says why.
func (f *farm) full() string {
	least := uint64(f.cfg().Disk.MinFree)
	if least == 0 {
		return ""
	}
	space, err := sharefs.SpaceOf(f.fs.Root())
	if err != nil || space.Free >= least {
		return ""
	}
	return fmt.Sprintf("the share has only %s free, less than disk.min_free (%s)",
		humanize.IBytes(space.Free), humanize.IBytes(least))
}

// rest says why this machine may claim no chunk now, "" while it may. threads are those of its own encodes that run.
func (f *farm) rest(threads int) string {
	if h := f.cfg().Worker.Hours; !h.Contains(time.Now()) {
		return "outside its hours " + h.String()
	}
	if limit := f.cfg().Worker.MaxLoad; limit > 0 {
		if others := othersLoad(threads); others > limit {
			return fmt.Sprintf("others need the machine: their load is %.1f, more than worker.max_load (%g)", others, limit)
		}
	}
	return f.full()
}
