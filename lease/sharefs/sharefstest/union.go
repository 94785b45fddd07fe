package sharefstest

import (
	"hash/crc32"
	"io/fs"

	"github.com/distenc/distenc/lease/sharefs"
)

// Union returns ops that show each name of a file under an inode of its own, as union file systems do by default.
func Union(ops sharefs.Ops) sharefs.Ops { return union{ops} }

type union struct{ sharefs.Ops }

func (u union) OpenFile(name string, flag int, perm fs.FileMode) (sharefs.File, error) {
	f, err := u.Ops.OpenFile(name, flag, perm)
	return unionFile{f, uint64(crc32.ChecksumIEEE([]byte(name)))}, err
}

type unionFile struct {
	sharefs.File
	inode uint64
}

func (f unionFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	inode, _ := sharefs.InodeOf(info)
	inode.Number = f.inode
	return unionInfo{info, inode}, nil
}

type unionInfo struct {
	fs.FileInfo
	inode sharefs.Inode
}

func (i unionInfo) Sys() any { return i.inode }
