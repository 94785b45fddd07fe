package sharefs

import "os"

// MayRead asks whether this user may read a file, by opening it: absolute, and the error is the system's.
func MayRead(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

// MayWork asks whether this user may list a folder. Whether it may change what is in it nobody tells but a file
// server, when it is tried.
func MayWork(dir string) error { return MayRead(dir) }
