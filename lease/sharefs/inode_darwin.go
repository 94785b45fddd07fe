package sharefs

import (
	"io/fs"
	"syscall"
	"time"
)

func inodeOf(info fs.FileInfo) (Inode, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Inode{}, false
	}
	return Inode{uint64(s.Dev), s.Ino, uint64(s.Nlink), time.Unix(s.Ctimespec.Unix())}, true
}
