package main

import (
	"math"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/distenc/distenc/pipeline/media"
)

var systemTimes = windows.NewLazySystemDLL("kernel32.dll").NewProc("GetSystemTimes")

// busyness is how many processors were busy in the last minute or so, and how many of them with our own children. There
// is no load average here. Encoders at a low priority leave a processor to others at once, so what others do is seen by
// what they take.
type busyness struct {
	mu       sync.Mutex
	looked   time.Time
	was      spent
	all, own float64
}

// spent is time on processors.
type spent struct{ busy, own time.Duration }

var busy busyness

const (
	firstLook = 250 * time.Millisecond // how long the first answer takes
	fading    = time.Minute            // in which two thirds of what was before are forgotten, as with a load average
)

func load() float64 { return busy.look().all }

// othersLoad is the load without our own encodes.
func othersLoad(int) float64 {
	b := busy.look()
	return max(0, b.all-b.own)
}

// looked is an answer of busyness.
type looked struct{ all, own float64 }

func (b *busyness) look() looked {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := b.looked.IsZero()
	if first {
		b.looked, b.was = time.Now(), spentNow()
		time.Sleep(firstLook)
	}
	now, passed := spentNow(), time.Since(b.looked)
	if passed < firstLook {
		return looked{b.all, b.own}
	}
	new := 1 - math.Exp(-float64(passed)/float64(fading))
	if first {
		new = 1
	}
	b.all += new * (float64(now.busy-b.was.busy)/float64(passed) - b.all)
	b.own += new * (float64(now.own-b.was.own)/float64(passed) - b.own)
	b.looked, b.was = time.Now(), now
	return looked{b.all, b.own}
}

// spentNow asks for what was spent since the machine's start. Windows counts its idling as time of the kernel.
func spentNow() spent {
	var idle, kernel, user windows.Filetime
	ok, _, _ := systemTimes.Call(uintptr(unsafe.Pointer(&idle)), uintptr(unsafe.Pointer(&kernel)),
		uintptr(unsafe.Pointer(&user)))
	if ok == 0 {
		return spent{}
	}
	return spent{busy: ticks(kernel) + ticks(user) - ticks(idle), own: media.ChildrenCPU()}
}

// ticks is a duration that Windows counts in 100 ns.
func ticks(t windows.Filetime) time.Duration {
	return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * 100
}
