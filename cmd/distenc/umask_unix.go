//go:build unix

package main

import (
	"os"
	"syscall"
)

// takeUmask sets ours: what one user's node makes on the share, the others of its group may move and remove.
func takeUmask() { userUmask = os.FileMode(syscall.Umask(0o002)) }
