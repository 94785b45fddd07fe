package lease

import "golang.org/x/sys/windows"

// lockFlags keep an open from following a link planted under the name. The lock is of the first byte (flock), and
// nobody else can read or write what is locked: the file has no byte.
const lockFlags = windows.FILE_FLAG_OPEN_REPARSE_POINT
