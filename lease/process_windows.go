package lease

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// ended reports that there is no such process, or one that has exited and is still known because somebody has a handle
// to it. One that we may not open is there (OpenProcess).
func ended(pid int) bool {
	h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return errors.Is(err, windows.ERROR_INVALID_PARAMETER)
	}
	defer func() { _ = windows.CloseHandle(h) }()
	event, err := windows.WaitForSingleObject(h, 0)
	return err == nil && event == windows.WAIT_OBJECT_0
}

// Machine names the boot of this installation of Windows, "" where that can't be found out: by the installation's own
// number and when it was booted, to 100 ns. That time moves when the clock is set, and the bias says by how much.
// Copies of one disk have one number, but are not booted at one time.
func Machine() string {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SOFTWARE\Microsoft\Cryptography`,
		registry.QUERY_VALUE|registry.WOW64_64KEY)
	if err != nil {
		return ""
	}
	defer func() { _ = key.Close() }()
	guid, _, err := key.GetStringValue("MachineGuid")
	if err != nil {
		return ""
	}
	var now struct { // SYSTEM_TIMEOFDAY_INFORMATION
		BootTime, CurrentTime, TimeZoneBias int64
		TimeZoneID, Reserved                uint32
		BootTimeBias, SleepTimeBias         uint64
	}
	err = windows.NtQuerySystemInformation(windows.SystemTimeOfDayInformation, unsafe.Pointer(&now),
		uint32(unsafe.Sizeof(now)), nil)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s-%x", strings.ToLower(guid), now.BootTime-int64(now.BootTimeBias))
}

// thisKernel names the running kernel. It has no namespaces for processes.
func thisKernel() string { return Machine() }

// began is when a process was created, by the clock of then (GetProcessTimes).
func began(pid int) (string, error) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return "", err
	}
	defer func() { _ = windows.CloseHandle(h) }()
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &created, &exited, &kernel, &user); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d", int64(created.HighDateTime)<<32|int64(created.LowDateTime)), nil
}
