//go:build unix

package sharefs

import "golang.org/x/sys/unix"

// MayRead asks whether this user may read a file: absolute, and the error is the system's.
func MayRead(path string) error {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK, unix.AT_EACCESS)
}

// MayWork asks whether this user may list a folder and change what is in it.
func MayWork(dir string) error {
	return unix.Faccessat(unix.AT_FDCWD, dir, unix.R_OK|unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}
