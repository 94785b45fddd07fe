package sim

import (
	"io/fs"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// info describes a file as it was when it was looked at.
type info struct {
	name  string
	size  int64
	mtime time.Time
	inode sharefs.Inode
	dir   bool
}

func (s *server) info(base string, i *inode) info {
	return info{name: base, size: int64(len(i.data)), mtime: i.mtime, dir: i.dir,
		inode: sharefs.Inode{Device: 1, Number: i.ino, Links: uint64(i.nlink)}}
}

// look is info for one who does not hold the lock.
func (s *server) look(base string, i *inode) info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info(base, i)
}

// Name and the others implement fs.FileInfo.
func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.mtime }
func (i info) IsDir() bool        { return i.dir }
func (i info) Sys() any           { return i.inode }
func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o775
	}
	return 0o664
}
