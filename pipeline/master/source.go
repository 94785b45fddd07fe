package master

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// identity distinguishes what size and mtime, which every copy tool can set, do not: a file that was replaced, and one
// that was written to. It is compared with what this process saw on this mount only, and it is a hint: SMB clients
// make numbers up (mount.cifs(8), noserverino), and a link or chmod(2) changes the ctime too. The CRC-32 decides.
type identity struct {
	inode uint64
	ctime time.Time
}

func identityOf(st fs.FileInfo) identity {
	if st == nil { // of what could not be looked at
		return identity{}
	}
	inode, _ := sharefs.InodeOf(st)
	return identity{inode.Number, inode.Changed}
}

// after reports whether a file was changed after another one, by the file server's clock.
func (i identity) after(other identity) bool {
	return i.ctime.After(other.ctime)
}

// changed reports whether the source's content is another than was taken in: then the copy was not finished, or
// another file was put in its place, and nothing made from it may come out. What looks as it did is believed,
// unless it has to be certain, and anything else is read.
func (w *jobTask) changed(ctx context.Context, certain bool) (bool, error) {
	name := pipeline.JobFile(w.job.ID, w.job.Source)
	st, err := w.FS.Stat(name)
	if err != nil {
		return false, err
	}
	if st.Size() != w.job.Size {
		return true, nil
	}
	now, was := identityOf(st), w.sighted
	if !certain && sameTime(w.job.ModTime, st.ModTime()) && was != nil && *was == now {
		return false, nil
	}
	crc, err := w.checksum(ctx, name)
	if err != nil || crc != w.job.CRC32 {
		return err == nil, err
	}
	w.sighted = &now
	return false, nil
}

// sight returns what the source of a job looks like that was taken in just now, if it is the file that was read. If
// not, or if that can't be seen, it returns nil, and the source is read before it is planned.
func (m *Master) sight(j *pipeline.Job, was identity) *identity {
	st, err := m.FS.Stat(pipeline.JobFile(j.ID, j.Source))
	if err != nil {
		return nil
	}
	if now := identityOf(st); now.inode == was.inode {
		return &now // with a new ctime: that of the move
	}
	return nil
}

// sameTime compares in microseconds: SMB has times in steps of 100 ns, NFS in nanoseconds, and the next master may
// be on the other.
func sameTime(a, b time.Time) bool {
	return a.Truncate(time.Microsecond).Equal(b.Truncate(time.Microsecond))
}

// checksum reads a file's CRC-32, in upper case.
func (m *Master) checksum(ctx context.Context, name string) (string, error) {
	f, err := m.FS.OpenRead(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	sum := crc32.NewIEEE()
	if _, err := io.CopyBuffer(sum, sharefs.UntilDone(ctx, f), make([]byte, 1<<20)); err != nil {
		return "", fmt.Errorf("cannot read %q: %w", name, err)
	}
	return fmt.Sprintf("%08X", sum.Sum32()), nil
}
