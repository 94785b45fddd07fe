package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"

	"github.com/distenc/distenc/cmd/internal/config"
)

// start runs this process's command line, as a service if the service manager has started it, and returns its exit
// code.
func start() int {
	if service, err := svc.IsWindowsService(); err != nil || !service {
		return run(os.Args[1:], os.Stdout, os.Stderr)
	}
	s := &managed{}
	if err := svc.Run(serviceName, s); err != nil {
		return 1
	}
	return s.code
}

// stopSignals has the channel by which signals stop this process's command.
var stopSignals atomic.Pointer[chan os.Signal]

// notifyStops tells of the signals by which people stop a command, and of the service manager's wish.
func notifyStops(signals chan os.Signal, which ...os.Signal) {
	stopSignals.Store(&signals)
	signal.Notify(signals, which...)
}

// managed is this process as the service manager sees it.
type managed struct{ code int }

// stopHint is for how long the service manager is told to wait for another word of ours.
const stopHint = 30 * time.Second

// Execute implements svc.Handler. Stop, and the machine's own end, are what a first SIGTERM is elsewhere.
func (s *managed) Execute(
	_ []string, asked <-chan svc.ChangeRequest, tell chan<- svc.Status,
) (specific bool, code uint32) {
	ended := make(chan int, 1)
	go func() { ended <- s.run() }()
	const accepts = svc.AcceptStop | svc.AcceptShutdown
	tell <- svc.Status{State: svc.Running, Accepts: accepts}
	still := time.NewTicker(stopHint / 3)
	defer still.Stop()
	stopping := svc.Status{State: svc.StopPending, WaitHint: uint32(stopHint.Milliseconds())}
	for {
		select {
		case s.code = <-ended:
			tell <- svc.Status{State: svc.StopPending}
			return s.code != 0, uint32(s.code)
		case <-still.C:
			if stopping.CheckPoint > 0 {
				stopping.CheckPoint++
				tell <- stopping
			}
		case c := <-asked:
			switch c.Cmd {
			case svc.Interrogate:
				tell <- c.CurrentStatus
			case svc.Stop, svc.Shutdown:
				if signals := stopSignals.Load(); signals != nil {
					select {
					case *signals <- syscall.SIGTERM:
					default: // it stops already
					}
				}
				stopping.CheckPoint++
				tell <- stopping
			}
		}
	}
}

// run is the command line that the service was installed with; its words go to the log.
func (s *managed) run() int {
	log, err := openServiceLog(serviceLogFile(os.Args[1:]))
	if err != nil {
		return 1 // there is nobody to tell
	}
	defer func() { _ = log.file.Close() }() // the last words are in it
	return run(os.Args[1:], log, log)
}

// serviceLogFile lies beside the configuration that the command line names.
func serviceLogFile(args []string) string {
	conf := config.MachineFile
	for i, arg := range args {
		if arg == "--config" && i+1 < len(args) {
			conf = args[i+1]
		}
	}
	return filepath.Join(filepath.Dir(conf), "distenc.log")
}

// driveOf is the root of the drive that a path lies on, such as `Z:\`; "" for a path of another kind.
func driveOf(path string) string {
	if v := filepath.VolumeName(path); len(v) == 2 && strings.HasSuffix(v, ":") {
		return v + `\`
	}
	return ""
}

// mapped reports whether a path lies on a drive letter that stands for a share, or for nothing.
func mapped(path string) bool {
	drive, err := windows.UTF16PtrFromString(driveOf(path))
	if err != nil || driveOf(path) == "" {
		return false
	}
	kind := windows.GetDriveType(drive)
	return kind == windows.DRIVE_REMOTE || kind == windows.DRIVE_NO_ROOT_DIR
}

// reachable is an error for a share that a service does not see: the letters of network drives are those of who is
// logged in (Services and Redirected Drives).
func reachable(share string) error {
	if service, err := svc.IsWindowsService(); err != nil || !service {
		return nil
	}
	return seenByService(share)
}

func seenByService(share string) error {
	if !mapped(share) {
		return nil
	}
	return &config.Error{Key: "share", Problem: fmt.Sprintf(`%q is on the letter of a network drive, which a service `+
		`does not have; write the share's own name: share = '\\server\folder'`, share)}
}

// mayLead refuses a master: people give films names that Windows has no files for, or others.
func mayLead() error {
	return usage(errors.New("no master runs on Windows, where many names of films can't be used (a:b, a dot at the end)" +
		": run `distenc worker` here, and the master on a Linux machine or a Mac"))
}
