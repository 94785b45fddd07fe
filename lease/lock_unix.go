//go:build unix

package lease

import "syscall"

// lockFlags keep an open from following a link planted under the name and from hanging on a FIFO.
const lockFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
