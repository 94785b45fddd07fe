package lease

import (
	"time"

	"golang.org/x/sys/unix"
)

// boottime is a clock that nobody sets and that goes on while the machine sleeps (clock_gettime(2)):
// a holder that wakes from a suspend must know that its lease may be over. Go's own monotonic clock
// stands still meanwhile.
func boottime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // can't fail: Linux has it since 2.6.39
	return time.Duration(t.Nano())
}
