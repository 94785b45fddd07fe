package sharefs

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// Free returns how many bytes this user may still write to the share: GetDiskFreeSpaceExW, what is available to the
// caller.
func (f *FS) Free() (int64, error) {
	root, err := windows.UTF16PtrFromString(f.root)
	var free uint64
	if err == nil {
		err = windows.GetDiskFreeSpaceEx(root, &free, nil, nil)
	}
	if err != nil {
		return 0, fmt.Errorf("cannot find out how much is free on %q: %w", f.root, err)
	}
	return int64(free), nil
}
