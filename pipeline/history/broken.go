package history

import (
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// broken are the files that are not as they were written, by name. A person may mend one under its name, but it may be
// large: it is read again only where it looks different.
type broken map[string]look

// look is how a file looked, and since when it does.
type look struct {
	size  int64
	mtime time.Time
	inode sharefs.Inode
	since time.Time
}

// settledAfter is for how long a file that looks the same is read again all the same: a change within the same tick of
// the file server's clock, or one that a client does not see yet, does not show.
const settledAfter = time.Minute

func lookAt(f *sharefs.FS, name string) (look, bool) {
	info, err := f.Stat(pipeline.HistoryFile(name))
	if err != nil {
		return look{}, false
	}
	inode, _ := sharefs.InodeOf(info)
	return look{info.Size(), info.ModTime(), inode, time.Now()}, true
}

func (l look) same(as look) bool {
	return l.size == as.size && l.mtime.Equal(as.mtime) && l.inode == as.inode
}

// now notes how these files look.
func (b broken) now(f *sharefs.FS, names []string) broken {
	all := broken{}
	for _, n := range names {
		l, _ := lookAt(f, n)
		if before, known := b[n]; known && before.same(l) {
			l.since = before.since
		}
		all[n] = l
	}
	return all
}

// settled reports whether none of them need be read again.
func (b broken) settled(f *sharefs.FS) bool {
	for n, before := range b {
		l, seen := lookAt(f, n)
		if !seen || !l.same(before) || time.Since(before.since) < settledAfter {
			return false
		}
	}
	return true
}
