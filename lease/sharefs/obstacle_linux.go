package sharefs

import (
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Obstacle returns what would keep this process from renaming a file of the share into the folder dir, nil where
// nothing is known that would. Nothing is changed. The file need not be there: then only its folder counts.
//
// It asks what rename(2) will ask: the right to write in the folder (faccessat(2), which an NFS server answers
// itself), one mount and one file system on both sides, no sticky folder between other users, and neither the
// file nor the folder immutable or append-only (chattr(1)).
func (f *FS) Obstacle(name, dir string) *Obstacle {
	folder := path.Dir(name)
	from, err := f.statx(folder)
	if err != nil {
		return nil // whoever moves the file gets the error
	}
	for _, look := range []struct {
		what string
		name string
		st   *unix.Statx_t
	}{{"the folder", folder, from}, {"the file", name, f.statxOrNil(name)}} {
		if o := f.locked(look.what, look.name, look.st); o != nil {
			return o
		}
	}
	quoted := Quote(f.Path(folder))
	if to, err := f.statx(dir); err == nil && !sameMount(from, to) {
		return &Obstacle{
			What: "its folder is a mount, a subvolume or a file system of its own, and files are only ever renamed",
			Mend: fmt.Sprintf("mv %s %s", Quote(f.Path(name)), Quote(f.Path(firstFolder(name)))),
		}
	}
	err = unix.Faccessat(unix.AT_FDCWD, f.Path(folder), unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	switch file := f.statxOrNil(name); {
	case err == unix.EROFS:
		return &Obstacle{What: "the file system is mounted read-only"}
	case err == unix.EACCES || err == unix.EPERM:
		mend := "chmod g+rwx,g+s " + quoted
		if top, err := f.statx(firstFolder(name)); err == nil && top.Gid != from.Gid {
			mend = fmt.Sprintf("chgrp %d %s && %s", top.Gid, quoted, mend)
		}
		return &Obstacle{What: fmt.Sprintf("user %d may not move it out of its folder", os.Geteuid()), Mend: mend}
	case file != nil && sticky(from, file):
		return &Obstacle{What: fmt.Sprintf("its folder is sticky, and user %d owns neither it nor the folder", os.Geteuid()),
			Mend: "chmod -t " + quoted}
	}
	return nil
}

// locked returns what chattr(1) has forbidden.
func (f *FS) locked(what, name string, st *unix.Statx_t) *Obstacle {
	if st == nil {
		return nil
	}
	for _, flag := range []struct {
		bit  uint64
		word string
		chat string
	}{{unix.STATX_ATTR_IMMUTABLE, "immutable", "-i"}, {unix.STATX_ATTR_APPEND, "append-only", "-a"}} {
		if st.Attributes&flag.bit != 0 {
			return &Obstacle{What: what + " is " + flag.word,
				Mend: fmt.Sprintf("sudo chattr %s %s", flag.chat, Quote(f.Path(name)))}
		}
	}
	return nil
}

func (f *FS) statx(name string) (*unix.Statx_t, error) {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, f.Path(name), unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &st)
	return &st, err
}

func (f *FS) statxOrNil(name string) *unix.Statx_t {
	if st, err := f.statx(name); err == nil {
		return st
	}
	return nil
}

// sameMount reports whether a rename from one folder to another one can work. The kernel refuses it between two
// mounts of one file system too; before Linux 5.8 it does not name them.
func sameMount(a, b *unix.Statx_t) bool {
	known := a.Mask&b.Mask&unix.STATX_MNT_ID != 0
	return a.Dev_major == b.Dev_major && a.Dev_minor == b.Dev_minor && (!known || a.Mnt_id == b.Mnt_id)
}

// sticky reports whether unlink(2) of the file is for its owner and the folder's alone, and this is neither.
func sticky(folder, file *unix.Statx_t) bool {
	me := uint32(os.Geteuid())
	return folder.Mode&unix.S_ISVTX != 0 && me != 0 && me != file.Uid && me != folder.Uid
}

// firstFolder is the folder at the share's root that a name lies below.
func firstFolder(name string) string {
	first, _, _ := strings.Cut(name, "/")
	return first
}
