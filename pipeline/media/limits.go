package media

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Limits bound what one child may take. All time is that on processors, of all its threads together: a slow
// machine, a busy one, one that sleeps or waits for its share spends no more of it than a fast one.
type Limits struct {
	CPU   time.Duration // in all; 0: no limit
	Stall time.Duration // since the last progress, of a child whose Stdout is a Progress; 0: no limit
	File  int64         // bytes of each file it writes; 0: no limit
	Start time.Duration // that it may show no sign of life before its first frame; 0: as long as at any other time
}

// The most generous count of what work takes on processors: ten times what was seen on slow machines.
const (
	leastTime   = 5 * time.Minute // whatever the work
	megabyte    = time.Second     // to read or copy it
	decoded     = time.Second     // a megapixel
	ahead       = 3 * time.Second // a megapixel, before its frame comes out: what an encoder looks ahead
	encoded     = 2 * time.Minute // a megapixel: 4K with --preset placebo, a frame in a minute on 16 cores
	leastStall  = time.Hour       // for what is not counted here
	lookahead   = 400             // frames that an encoder and its threads hold back, at most
	rawPixel    = 6               // bytes of one without any compression: 4:4:4 in 16 bits
	room        = int64(64 << 20) // bytes for a file's headers and index
	largestHead = 7680 * 4320     // pixels of a picture whose size is not known yet
	megapixel   = 1e6
)

// Reading is for a child that reads size bytes and writes no file.
func Reading(size int64) Limits {
	return Limits{CPU: leastTime + time.Duration(size>>20)*megabyte, File: room}
}

// Copying is for a child that reads size bytes and writes them another way. Sound that has to be converted to
// a lossless form can become twenty times as large.
func Copying(size int64) Limits {
	l := Reading(size)
	return Limits{CPU: 5 * l.CPU, File: 20*size + room}
}

// Encoding is for a child that decodes some pictures and encodes as many or fewer, each of this number of pixels.
func Encoding(pictures, frames int, pixels float64) Limits {
	mega := pixels / megapixel
	times := func(n int, d time.Duration) time.Duration { return time.Duration(float64(n) * mega * float64(d)) }
	return Limits{
		CPU:   leastStall + times(pictures, decoded) + times(frames, encoded),
		Stall: leastStall + times(pictures, decoded) + times(min(frames, lookahead), ahead),
		File:  int64(float64(frames)*pixels*rawPixel) + room,
	}
}

// Size is that of some files together, in bytes, for Limits. One that can't be looked at counts as none: its
// reader will say why.
func Size(paths ...string) (sum int64) {
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// leastMemory is left to a child on the smallest machine, in bytes.
const leastMemory = 4 << 30

// memory is what a child may have of its own: all that the machine has, so that a header which asks for more
// ends the child and not whatever else runs here.
func memory() uint64 {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return leastMemory
	}
	return max(leastMemory, uint64(info.Totalram)*uint64(info.Unit))
}

// apply sets what the kernel watches (setrlimit(2)); the rest is watch's. It comes a moment after the child's start,
// which does no harm: what is there by then counts too.
//
// RLIMIT_DATA counts what can be written to, of the heap and of mappings, since Linux 4.7. RLIMIT_AS would count what
// is only reserved, 64 MiB for each thread, and RLIMIT_NPROC the threads of all the user's processes.
func (l Limits) apply(pid int) {
	set := func(resource int, limit uint64) {
		// A kernel that refuses leaves the child without this limit, as it was.
		_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: limit, Max: limit}, nil)
	}
	set(unix.RLIMIT_CORE, 0)
	set(unix.RLIMIT_DATA, memory())
	if l.File > 0 {
		set(unix.RLIMIT_FSIZE, uint64(l.File))
	}
	if l.CPU > 0 { // beyond our own, should this process not be there to see it
		set(unix.RLIMIT_CPU, uint64((l.CPU + l.CPU/4).Seconds()))
	}
}
