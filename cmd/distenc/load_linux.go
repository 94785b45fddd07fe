package main

import "golang.org/x/sys/unix"

// load is the load average of the last minute, which sysinfo(2) tells as a fixed-point number; 0 where it does not.
func load() float64 {
	var info unix.Sysinfo_t
	_ = unix.Sysinfo(&info) // it fails for a bad address only
	return float64(info.Loads[0]) / (1 << 16)
}
