package main

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// load is the load average of the last minute; 0 where it can't be told. sysctl(3), vm.loadavg, has three fixed-point
// numbers of 32 bits, and after four bytes of nothing the number that stands for 1, of 64.
func load() float64 {
	b, err := unix.SysctlRaw("vm.loadavg")
	if err != nil || len(b) < 24 {
		return 0
	}
	one := binary.LittleEndian.Uint64(b[16:])
	return float64(binary.LittleEndian.Uint32(b)) / float64(max(1, one))
}
