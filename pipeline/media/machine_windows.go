package media

import "unsafe"

var machineMemory = kernel32.NewProc("GlobalMemoryStatusEx")

// Memory returns how many bytes programs on this machine can still have without its page file, and how many at most.
// 0, 0 where that can't be told.
func Memory() (free, most int64) {
	var m struct { // MEMORYSTATUSEX
		size, load  uint32
		total, free uint64
		_           [5]uint64
	}
	m.size = uint32(unsafe.Sizeof(m))
	if ok, _, _ := machineMemory.Call(uintptr(unsafe.Pointer(&m))); ok == 0 {
		return 0, 0
	}
	return int64(m.free), int64(m.total)
}

// leastMemory is left to a child on the smallest machine, in bytes.
const leastMemory = 4 << 30

// memory is what a child may have of its own: all that the machine has, so that a header which asks for more
// ends the child and not whatever else runs here.
func memory() uint64 {
	_, most := Memory()
	return max(leastMemory, uint64(most))
}
