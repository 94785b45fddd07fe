//go:build unix

package doctor

import (
	"io/fs"
	"syscall"
)

// idsOf returns a file's user and group; -1 where they are not known.
func idsOf(info fs.FileInfo) (uid, gid int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}
