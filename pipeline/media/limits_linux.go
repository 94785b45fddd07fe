package media

import "golang.org/x/sys/unix"

// leastMemory is left to a child on the smallest machine, in bytes.
const leastMemory = 4 << 30

// memory is what a child may have of its own: all that programs here can have, so that a header which asks for more
// ends the child and not whatever else runs here, which in a container may be all that is in it (memory.oom.group).
func memory() uint64 {
	_, most := Memory()
	return uint64(max(leastMemory, most))
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
