//go:build !linux

package doctor

import "io/fs"

// checkLimits has nothing to look at: of the limits that a worker meets, only Linux has some that are too low at times.
func checkLimits(fs.FS) []Finding { return nil }
