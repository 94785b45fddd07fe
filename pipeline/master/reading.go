package master

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// consider reads a file that stands still, and takes it once it is known to be complete.
func (m *Master) consider(f watcher.File, d *dropped) {
	settled := f.Still >= m.Settle
	switch {
	case !d.scanned && (f.Still >= m.early() || d.promised):
		ctx, cancel := context.WithCancel(m.tasks.ctx)
		d.cancel = cancel
		if !m.tasks.start("intake/"+f.Name, lanes(f, d), func(context.Context) func() { return m.read(ctx, f, d) }) {
			cancel()
		}
	case d.scanned && (settled || m.vouched(f, d)):
		// The id is made here so that findJobs does not take the half-made folder for a lost one.
		id := pipeline.NewJobID(d.scan.CRC32)
		if m.tasks.start("take/"+f.Name, 1, func(ctx context.Context) func() { return m.takeIn(ctx, id, f, d) }) {
			m.taking[id] = true
		}
	}
}

// read scans a file's content.
func (m *Master) read(ctx context.Context, f watcher.File, d *dropped) func() {
	var scan Scan
	st, err := m.FS.Stat(f.Name)
	if err == nil {
		scan, err = m.Stages.Scan(ctx, f.Name)
	}
	return func() {
		if d.cancel(); m.dropped[f.Name] != d {
			return // it is gone, or another one by now
		}
		denial := denied(err)
		if denial != nil {
			d.denied++
		}
		if d.denied > maxDenied && denial != nil {
			scan.Refused, err = denial, nil
		}
		if err != nil {
			d.rest = time.Now().Add(errRest)
			if !errors.Is(err, fs.ErrNotExist) {
				m.Log.Warn("cannot read a file in the inbox, trying again", "name", pipeline.RawName(f.Name).String(), "error", err)
			}
			return
		}
		d.scan, d.scanned, d.identity = scan, true, identityOf(st)
		f.Still += time.Since(f.Seen) // unchanged as far as is known: go on at once
		m.consider(f, d)
	}
}

// denied is the refusal for errors that may pass, or may be the file's own; nil for all others.
func denied(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return pipeline.Refuse("The file can't be read: its permissions keep distenc's user out; make it readable for the group of the share and drop it again.")
	case sharefs.NoMemory(err):
		return &pipeline.Refusal{Reason: "The file can't be read: its headers ask for more memory than this machine has.", Err: err}
	}
	return nil
}

// maxDenied is how often opening a file may be denied (NFS does so in passing) until it is rejected.
const maxDenied = 3

const (
	// intakeLanes is how many files of the inbox are read at once at most.
	intakeLanes = 4
	// smallFile is the size in bytes up to which a file may use every lane: it is read within seconds.
	smallFile = 256 << 20
)

// lanes is how many files may be read at once for this one to be begun. A large one leaves a lane to urgent ones,
// and those leave one to small ones, so that whatever is slow keeps neither waiting.
func lanes(f watcher.File, d *dropped) int {
	switch {
	case f.Size <= smallFile:
		return intakeLanes
	case d.priority > 0:
		return intakeLanes - 1
	}
	return intakeLanes - 2
}
