package media

import "golang.org/x/sys/unix"

// Memory returns how many bytes programs on this machine can still have, and how many at most. 0, 0 where that can't
// be told. What can still be had is a share in percent, which memory_pressure(1) prints.
func Memory() (free, most int64) {
	total, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0, 0
	}
	percent, err := unix.SysctlUint32("kern.memorystatus_level")
	if err != nil {
		percent = 100
	}
	return int64(total) / 100 * int64(min(percent, 100)), int64(total)
}
