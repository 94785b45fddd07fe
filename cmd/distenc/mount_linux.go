package main

import (
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/distenc/distenc/cmd/internal/config"
)

// mount tells one mount of one file system from another. The same file system mounted twice has one
// device and two ids; a kernel before 5.8 does not tell the id, which is 0 then.
type mount struct{ device, id uint64 }

func mountOf(dir string) (mount, error) {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, dir, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_TYPE|unix.STATX_MNT_ID, &st)
	if err != nil {
		return mount{}, &fs.PathError{Op: "cannot look at the folder", Path: dir, Err: err}
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
	case unix.S_IFLNK:
		return mount{}, &config.Error{Where: dir,
			Problem: "is a symbolic link: nothing on a share is followed, so make it a folder"}
	default:
		return mount{}, fmt.Errorf("%q is a file where distenc has a folder: move it away, and make the folder", dir)
	}
	m := mount{device: unix.Mkdev(st.Dev_major, st.Dev_minor)}
	if st.Mask&unix.STATX_MNT_ID != 0 {
		m.id = st.Mnt_id
	}
	return m, nil
}
