package status

import (
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/distenc/distenc/lease/sharefs"
)

const (
	// fewFiles is how many more files a share must be able to hold so that a chunk's can be made.
	fewFiles = 16
	// tooFull is what a share must have free where disk.min_free asks for nothing, in bytes.
	tooFull = 1 << 20
)

// trouble says in one sentence what is wrong with a file system, "" where nothing is.
func trouble(s sharefs.Space, minFree int64) string {
	free := int64(s.Free)
	switch {
	case s.ReadOnly:
		return "Nothing can be done on the share: it is mounted read-only here. Mount it for writing; " +
			"if the kernel has made it read-only after an error of its disk, `dmesg` tells."
	case s.Files > 0 && s.FreeFiles < fewFiles: // 0 of 0 where a file system makes them as it needs them: statfs(2)
		return fmt.Sprintf("Nothing can be done on the share: it has room for data but not for more files (%d of %d inodes "+
			"are free). "+
			"Remove files you don't need.", s.FreeFiles, s.Files)
	case free < minFree:
		return fmt.Sprintf("No file is taken and nothing is encoded: the share has only %s free, less than disk.min_free "+
			"(%s). Make room there.",
			humanize.IBytes(uint64(max(0, free))), humanize.IBytes(uint64(minFree)))
	case free < tooFull:
		return fmt.Sprintf("Nothing can be done on the share: its disk is full (%s free). Make room there.",
			humanize.IBytes(uint64(max(0, free))))
	}
	return ""
}
