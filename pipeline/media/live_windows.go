package media

import (
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// children are those that run now. While there are any, the machine does not go to sleep by itself.
type children struct {
	mu      sync.Mutex // taken before a Process's own
	running map[*Process]struct{}
	spent   time.Duration  // on processors, by those that have ended
	awake   windows.Handle // a power request; 0: none could be made
}

var live = &children{running: map[*Process]struct{}{}}

func (c *children) add(p *Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[p] = struct{}{}; len(c.running) == 1 {
		c.stayAwake()
	}
}

// remove is called before the child's handles are closed.
func (c *children) remove(p *Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cpu, _ := p.CPU() // 0 of one that can't be asked
	c.spent += cpu
	if delete(c.running, p); len(c.running) == 0 && c.awake != 0 {
		_, _, _ = clearPowerRequest.Call(uintptr(c.awake), systemRequired) // it ends with this process at the latest
	}
}

// ChildrenCPU is the time that this process's children have spent on processors so far, of those that have ended too.
func ChildrenCPU() time.Duration {
	live.mu.Lock()
	defer live.mu.Unlock()
	sum := live.spent
	for p := range live.running {
		cpu, _ := p.CPU() // 0 of one that can't be asked
		sum += cpu
	}
	return sum
}

var (
	createPowerRequest = kernel32.NewProc("PowerCreateRequest")
	setPowerRequest    = kernel32.NewProc("PowerSetRequest")
	clearPowerRequest  = kernel32.NewProc("PowerClearRequest")
)

// What PowerCreateRequest and PowerSetRequest are told (winnt.h): POWER_REQUEST_CONTEXT_SIMPLE_STRING,
// PowerRequestSystemRequired.
const (
	simpleString   = 1
	systemRequired = 1
)

// stayAwake asks for it for the whole process: SetThreadExecutionState would do so for a thread. A Windows that refuses
// encodes as well, until it sleeps.
func (c *children) stayAwake() {
	if c.awake == 0 {
		reason, err := windows.UTF16PtrFromString("distenc encodes")
		if err != nil {
			return
		}
		why := struct { // REASON_CONTEXT
			version, flags uint32
			text           *uint16
			_              [2]uintptr
		}{flags: simpleString, text: reason}
		h, _, _ := createPowerRequest.Call(uintptr(unsafe.Pointer(&why)))
		if windows.Handle(h) == windows.InvalidHandle {
			return
		}
		c.awake = windows.Handle(h)
	}
	_, _, _ = setPowerRequest.Call(uintptr(c.awake), systemRequired)
}
