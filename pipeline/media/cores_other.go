//go:build !linux

package media

import "runtime"

// Cores returns how many of the machine's processors programs here can keep busy.
func Cores() int { return runtime.NumCPU() }
