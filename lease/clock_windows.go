package lease

import (
	"time"

	"golang.org/x/sys/windows"
)

// boottime is a clock that nobody sets and that goes on while the machine sleeps or hibernates ("Windows Time", on
// GetTickCount64; it moves every 16 ms): a holder that wakes must know that its lease may be over. Go's own monotonic
// clock stands still meanwhile.
func boottime() time.Duration { return windows.DurationSinceBoot() }
