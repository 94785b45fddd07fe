package doctor

import "io/fs"

// idsOf knows no numbers of users here, as os.Geteuid knows none: -1.
func idsOf(fs.FileInfo) (uid, gid int) { return -1, -1 }
