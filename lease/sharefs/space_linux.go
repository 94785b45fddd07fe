package sharefs

import "golang.org/x/sys/unix"

// SpaceOf asks the file system that a folder lies on (statfs(2)).
func SpaceOf(dir string) (Space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return Space{}, err
	}
	size := uint64(st.Frsize)
	return Space{
		Free: st.Bavail * size, Total: st.Blocks * size, Files: st.Files, FreeFiles: st.Ffree,
		ReadOnly: st.Flags&unix.ST_RDONLY != 0,
	}, nil
}
