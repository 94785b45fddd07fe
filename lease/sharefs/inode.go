package sharefs

import (
	"io/fs"
	"os"
	"time"
)

// Inode is what a file system knows of a file besides its size and date.
type Inode struct {
	Device, Number uint64    // the same for all names of one file, and for no other file
	Links          uint64    // how many names it has
	Changed        time.Time // when its content, its attributes or its names last changed, by the file server's clock
}

// InodeOf returns the inode of a file that was looked at through a share; false if it can't be told.
func InodeOf(info fs.FileInfo) (Inode, bool) {
	if i, ok := info.Sys().(Inode); ok {
		return i, true
	}
	return inodeOf(info)
}

// SameFile reports whether two descriptions are of one file: the same inode on the same device.
func SameFile(a, b fs.FileInfo) bool {
	x, ok := InodeOf(a)
	y, both := InodeOf(b)
	if !ok || !both {
		return os.SameFile(a, b)
	}
	return x.Device == y.Device && x.Number == y.Number
}

// Links counts a file's names.
func Links(info fs.FileInfo) uint64 {
	if i, ok := InodeOf(info); ok {
		return i.Links
	}
	return 1
}
