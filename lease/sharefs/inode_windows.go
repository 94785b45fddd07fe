package sharefs

import (
	"io/fs"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// info describes a file that was opened. It is its own fs.FileInfo because the os package's keeps the number of names
// and the time of the last change to itself.
type info struct {
	name    string
	by      windows.ByHandleFileInformation
	tag     uint32 // of a reparse point
	changed time.Time
}

// describe asks an open file what it is.
func describe(h windows.Handle, name string) (info, error) {
	i := info{name: name}
	if err := windows.GetFileInformationByHandle(h, &i.by); err != nil {
		return info{}, err
	}
	var basic struct { // FILE_BASIC_INFO
		CreationTime, LastAccessTime, LastWriteTime, ChangeTime windows.Filetime
		FileAttributes                                          uint32
		_                                                       uint32
	}
	if err := ask(h, windows.FileBasicInfo, &basic); err == nil { // a hint: FAT has none
		i.changed = time.Unix(0, basic.ChangeTime.Nanoseconds())
	}
	if i.by.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0 {
		var tag struct{ FileAttributes, ReparseTag uint32 } // FILE_ATTRIBUTE_TAG_INFO
		if err := ask(h, windows.FileAttributeTagInfo, &tag); err != nil {
			return info{}, err
		}
		i.tag = tag.ReparseTag
	}
	return i, nil
}

func ask[T any](h windows.Handle, class uint32, answer *T) error {
	return windows.GetFileInformationByHandleEx(h, class, (*byte)(unsafe.Pointer(answer)), uint32(unsafe.Sizeof(*answer)))
}

func (i info) dir() bool {
	return i.by.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0 && !i.link()
}

// link reports a symbolic link, a junction and what else is a name for something elsewhere ("Reparse Point Tags", bit
// 29). Other tags are of files that are stored in some other way.
func (i info) link() bool { return i.tag&0x20000000 != 0 }

// Name and the others implement fs.FileInfo.
func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return int64(i.by.FileSizeHigh)<<32 | int64(i.by.FileSizeLow) }
func (i info) ModTime() time.Time { return time.Unix(0, i.by.LastWriteTime.Nanoseconds()) }
func (i info) IsDir() bool        { return i.dir() }
func (i info) Mode() fs.FileMode {
	mode := fs.FileMode(0o666)
	if i.by.FileAttributes&windows.FILE_ATTRIBUTE_READONLY != 0 {
		mode = 0o444
	}
	switch {
	case i.link():
		return mode | fs.ModeSymlink
	case i.dir():
		return mode | fs.ModeDir | 0o111
	}
	return mode
}

// Sys is an Inode.
func (i info) Sys() any {
	return Inode{
		Device:  uint64(i.by.VolumeSerialNumber),
		Number:  uint64(i.by.FileIndexHigh)<<32 | uint64(i.by.FileIndexLow),
		Links:   uint64(i.by.NumberOfLinks),
		Changed: i.changed,
	}
}

// inodeOf is for descriptions that are not a share's: the os package's keep to themselves what would be in it.
func inodeOf(fs.FileInfo) (Inode, bool) { return Inode{}, false }
