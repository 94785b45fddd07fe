//go:build !linux

package main

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/lease/sharefs"
)

// mount tells one file system from another; 0 where that can't be told.
type mount struct{ device uint64 }

func mountOf(dir string) (mount, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return mount{}, &fs.PathError{Op: "cannot look at the folder", Path: dir, Err: err}
	}
	switch {
	case info.IsDir():
	case info.Mode()&(fs.ModeSymlink|fs.ModeIrregular) != 0: // a junction is irregular
		return mount{}, &config.Error{Where: dir,
			Problem: "is a symbolic link or leads elsewhere: nothing on a share is followed, so make it a folder"}
	default:
		return mount{}, fmt.Errorf("%q is a file where distenc has a folder: move it away, and make the folder", dir)
	}
	inode, _ := sharefs.InodeOf(info)
	return mount{inode.Device}, nil
}
