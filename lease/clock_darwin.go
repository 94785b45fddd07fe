package lease

import (
	"time"

	"golang.org/x/sys/unix"
)

// boottime is a clock that nobody sets and that goes on while the machine sleeps (clock_gettime(3), on
// CLOCK_MONOTONIC_RAW, which is mach_continuous_time): a holder that wakes must know that its lease may be over. Go's
// own monotonic clock stands still meanwhile.
func boottime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC_RAW, &t) // can't fail: macOS has it since 10.12
	return time.Duration(t.Nano())
}
