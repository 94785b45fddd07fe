package sharefs

import "fmt"

// Space is what a file system has, in bytes and in files.
type Space struct {
	Free, Total uint64 // of Free, what an ordinary user may write
	// Files is how many it can hold, FreeFiles how many more; 0 and 0 where it makes them as it needs them.
	Files, FreeFiles uint64
	ReadOnly         bool
}

// Free returns how many bytes an ordinary user may still write to the share.
func (f *FS) Free() (int64, error) {
	s, err := SpaceOf(f.root)
	if err != nil {
		return 0, fmt.Errorf("cannot find out how much is free on %q: %w", f.root, err)
	}
	return int64(s.Free), nil
}
