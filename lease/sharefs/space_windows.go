package sharefs

import (
	"os"

	"golang.org/x/sys/windows"
)

// SpaceOf asks the volume or the file server that a folder lies on (GetDiskFreeSpaceEx). They don't tell how many
// files there is room for, nor in one answer whether they can be written to.
func SpaceOf(dir string) (s Space, err error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err == nil {
		err = windows.GetDiskFreeSpaceEx(name, &s.Free, &s.Total, nil)
	}
	if err != nil {
		return Space{}, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	return s, nil
}
