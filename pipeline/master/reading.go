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

// reading is how far the content of a dropped file was read.
type reading struct {
	done     bool
	scan     Scan
	identity identity           // of what was read
	denied   int                // how often it could not be opened, or not be read in the machine's memory
	cancel   context.CancelFunc // ends the reading; nil before that
}

// stop ends the reading of a file that is gone or has changed: nobody reads on in what it was.
func (r *reading) stop() {
	if r.cancel != nil {
		r.cancel()
	}
}

// consider reads a file that stands still, and takes it once it is known to be complete.
func (t *term) consider(f watcher.File, d *dropped) {
	switch {
	case !d.reading.done && (f.Still >= t.pace.early() || d.wishes.promised):
		t.startReading(f, d)
	case d.reading.done && (f.Still >= t.pace.Settle || t.vouched(f, d.reading.scan.CRC32)):
		t.startTaking(f, d)
	}
}

func (t *term) startReading(f watcher.File, d *dropped) {
	ctx, cancel := context.WithCancel(t.tasks.ctx)
	d.reading.cancel = cancel
	if !t.tasks.start("intake/"+f.Name, lanes(filmLanes, f.Size, d.wishes.priority), func(context.Context) func() {
		r, err := t.read(ctx, f.Name)
		return func() { t.afterReading(f, d, r, err) }
	}) {
		cancel()
	}
}

// read scans a file's content.
func (m *Master) read(ctx context.Context, name string) (r reading, err error) {
	st, err := m.FS.Stat(name)
	if err == nil {
		r.scan, err = m.Stages.Scan(ctx, name)
	}
	r.done, r.identity = err == nil, identityOf(st)
	return r, err
}

func (t *term) afterReading(f watcher.File, d *dropped, r reading, err error) {
	d.reading.stop()
	if t.inbox.files[f.Name] != d {
		return // it is gone, or another one by now
	}
	if refusal := denied(err); refusal != nil {
		if d.reading.denied++; d.reading.denied > maxDenied {
			r.scan.Refused, r.done, err = refusal, true, nil
		}
	}
	if err != nil {
		d.rest = time.Now().Add(errRest)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Log.Warn("cannot read a file in the inbox, trying again", "name", pipeline.RawName(f.Name).String(), "error", err)
		}
		return
	}
	d.reading = r
	f.Still += time.Since(f.Seen) // unchanged as far as is known: go on at once
	t.consider(f, d)
}

// denied is the refusal for errors that may pass, or may be the file's own; nil for all others.
func denied(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return pipeline.Refuse("The file can't be read: its permissions keep distenc's user out; " +
			"make it readable for the group of the share and drop it again.")
	case sharefs.NoMemory(err):
		const reason = "The file can't be read: its headers ask for more memory than this machine has."
		return &pipeline.Refusal{Reason: reason, Err: err}
	}
	return nil
}

// maxDenied is how often opening a file may be denied (NFS does so in passing) until it is rejected.
const maxDenied = 3
