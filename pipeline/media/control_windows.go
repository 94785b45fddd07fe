package media

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Process is a running child and what it has started. All methods may be called from any goroutine, also after
// the end, when they do nothing.
type Process struct {
	mu   sync.Mutex
	pid  int // 0: not started yet
	gone bool

	// The job object holds the child and all that it starts. They end with the last handle of the job, which is ours,
	// whatever ends this process (Win32, Job Objects).
	process, job windows.Handle
	paused       bool
}

// programEnding is how the name of a program's file ends. A batch file of that name is not taken: its arguments can't
// be quoted so that cmd.exe leaves them as they are.
const programEnding = ".exe"

// killed is the exit code of those that are ended here.
const killed = 1

var (
	ntdll          = windows.NewLazySystemDLL("ntdll.dll")
	suspendProcess = ntdll.NewProc("NtSuspendProcess")
	resumeProcess  = ntdll.NewProc("NtResumeProcess")
	kernel32       = windows.NewLazySystemDLL("kernel32.dll")
	processMemory  = kernel32.NewProc("K32GetProcessMemoryInfo")
)

// prepare has a child begin without a window, and wait before its first instruction until its job holds it.
func prepare(cmd *exec.Cmd, _ Limits) {
	joinJob()
	cmd.SysProcAttr = &syscall.SysProcAttr{
		HideWindow: true, CreationFlags: windows.CREATE_SUSPENDED | windows.CREATE_NO_WINDOW,
	}
}

// holdThread has nothing to do: no thread's end is a child's.
func holdThread() (letGo func()) { return func() {} }

// started puts a child into a job of its own with its limits, and lets it begin.
func (p *Process) started(pid, nice int, idleIO bool, _ Limits) error {
	if err := p.enclose(pid); err != nil {
		return fmt.Errorf("cannot put it into a job object: %w", err)
	}
	if class := priorityClass(nice); class != 0 {
		_ = windows.SetPriorityClass(p.process, class) // the encode goes on as it is
	}
	if idleIO { // an older Windows, or a file server, ignores it, and so do we
		var veryLow uint32
		_ = windows.NtSetInformationProcess(p.process, windows.ProcessIoPriority, unsafe.Pointer(&veryLow), 4)
	}
	live.add(p)
	return status(resumeProcess.Call(uintptr(p.process)))
}

func (p *Process) enclose(pid int) (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process, err = windows.OpenProcess(windows.PROCESS_ALL_ACCESS, false, uint32(pid)); err != nil {
		return err
	}
	if p.job, err = newJob(); err == nil {
		err = windows.AssignProcessToJobObject(p.job, p.process)
	}
	if err != nil {
		p.close()
		return err
	}
	p.pid = pid
	return nil
}

// newJob makes a job that ends with us, and in which a process has no more memory than the machine, as RLIMIT_DATA
// does elsewhere. Windows has no limit for the size of a file: what bounds it is the time on processors, and what
// disk.min_free leaves.
func newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE |
		windows.JOB_OBJECT_LIMIT_PROCESS_MEMORY | windows.JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION
	info.ProcessMemoryLimit = uintptr(memory())
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		_ = windows.CloseHandle(job)
	}
	return job, err
}

// lowNice is the nice value from which a child is to have what nobody else wants.
const lowNice = 10

// joinJob puts this process into a job that ends with it, in which its children are from their first moment: one whose
// parent is killed before it has a job of its own would wait for ever. A Windows without nested jobs goes on without.
var joinJob = sync.OnceFunc(func() {
	job, err := newJob()
	if err == nil {
		_ = windows.AssignProcessToJobObject(job, windows.CurrentProcess()) // it stays open until we end
	}
})

// priorityClass is what is nearest to a nice value; 0: as ours.
func priorityClass(nice int) uint32 {
	switch {
	case nice <= 0:
		return 0
	case nice < lowNice:
		return windows.BELOW_NORMAL_PRIORITY_CLASS
	}
	return windows.IDLE_PRIORITY_CLASS
}

// status is the error of a function of ntdll.
func status(code, _ uintptr, _ error) error {
	if code == 0 {
		return nil
	}
	return windows.NTStatus(uint32(code))
}

// Pause stops the child, Resume lets it go on.
func (p *Process) Pause() error { return p.hold(true) }

// Resume lets a paused child go on.
func (p *Process) Resume() error { return p.hold(false) }

// hold pauses the child once, or lets it go on: Windows counts how often each was asked for.
func (p *Process) hold(pause bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	call := resumeProcess
	switch {
	case p.gone || p.pid == 0:
		return os.ErrProcessDone
	case p.paused == pause:
		return nil
	case pause:
		call = suspendProcess
	}
	if err := status(call.Call(uintptr(p.process))); err != nil {
		return fmt.Errorf("cannot pause or resume process %d: %w", p.pid, err)
	}
	p.paused = pause
	return nil
}

// CPU is the time the child has spent on processors, in steps of some 16 ms.
func (p *Process) CPU() (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return 0, errEnded
	}
	var created, ended, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(p.process, &created, &ended, &kernel, &user); err != nil {
		return 0, err
	}
	return ticks(kernel) + ticks(user), nil
}

// ticks is a duration that Windows counts in 100 ns.
func ticks(t windows.Filetime) time.Duration {
	return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * 100
}

// Memory is what the child has of it, in bytes: its working set.
func (p *Process) Memory() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return 0
	}
	var m struct { // PROCESS_MEMORY_COUNTERS
		size, faults     uint32
		peak, workingSet uintptr
		_                [6]uintptr
	}
	m.size = uint32(unsafe.Sizeof(m))
	if ok, _, _ := processMemory.Call(uintptr(p.process), uintptr(unsafe.Pointer(&m)), uintptr(m.size)); ok == 0 {
		return 0
	}
	return int64(m.workingSet)
}

// waits reports whether the child is paused. Windows lets a thread run that has waited some seconds for a processor,
// whatever its priority (Scheduling Priorities, Priority Boosts), so none waits long for that; of a thread that waits
// for a disk it tells nothing.
func (p *Process) waits() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused
}

// terminate ends all that is in the job. A program without a console, as a service's are, can't be asked to end
// (GenerateConsoleCtrlEvent).
func (p *Process) terminate() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || p.pid == 0 {
		return os.ErrProcessDone
	}
	return windows.TerminateJobObject(p.job, killed)
}

// ended is called when the child has been waited for. What it may have left in its job is ended.
func (p *Process) ended() {
	live.remove(p)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	_ = windows.TerminateJobObject(p.job, killed) // whatever is left ends with the handle as well
	p.close()
}

func (p *Process) close() {
	for _, h := range []windows.Handle{p.job, p.process} {
		if h != 0 {
			_ = windows.CloseHandle(h)
		}
	}
}

// crashes are the exceptions that a program's own mistake ends it with (NTSTATUS values).
var crashes = map[windows.NTStatus]string{
	windows.STATUS_ACCESS_VIOLATION:       "access violation",
	windows.STATUS_ILLEGAL_INSTRUCTION:    "illegal instruction",
	windows.STATUS_INTEGER_DIVIDE_BY_ZERO: "division by zero",
	windows.STATUS_STACK_OVERFLOW:         "stack overflow",
	windows.STATUS_HEAP_CORRUPTION:        "heap corruption",
	windows.STATUS_STACK_BUFFER_OVERRUN:   "fast fail",
	windows.STATUS_BREAKPOINT:             "breakpoint",
}

// crash names the exception that a crashed child died of; "" if it did not crash.
func crash(s *os.ProcessState) string { return crashes[windows.NTStatus(uint32(s.ExitCode()))] }

// exitCode is a child's exit status, of which other systems know the last byte only; -1 if something else ended it.
func exitCode(s *os.ProcessState) int {
	switch code := windows.NTStatus(uint32(s.ExitCode())); {
	case code == windows.STATUS_DLL_NOT_FOUND, code == windows.STATUS_ENTRYPOINT_NOT_FOUND:
		return unstarted
	case code>>28 == 0xc: // an error of the system's
		return -1
	case code > 255:
		return max(1, int(code&255))
	default:
		return int(code)
	}
}

// outgrew reports false: there is no limit for the size of a file.
func outgrew(*os.ProcessState) bool { return false }

// toldToEnd reports whether a child was ended as Ctrl-C and a session's end do it.
func toldToEnd(s *os.ProcessState) bool {
	return windows.NTStatus(uint32(s.ExitCode())) == windows.STATUS_CONTROL_C_EXIT
}

// raiseFileLimit has nothing to do: there is none.
func raiseFileLimit() {}
