//go:build unix

package sharefs

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Free returns how many bytes an ordinary user may still write to the share: statfs(2), f_bavail.
func (f *FS) Free() (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(f.root, &st); err != nil {
		return 0, fmt.Errorf("cannot find out how much is free on %q: %w", f.root, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
