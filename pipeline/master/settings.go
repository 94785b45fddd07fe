package master

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// Order is how one dropped file is to be encoded, resolved from its folder, its sidecar and the
// configuration.
type Order struct {
	Settings pipeline.Settings
	Priority int
	Nonce    string // of the `distenc add` that dropped it
	Size     int64  // the whole file's size as `distenc add` promised it; 0: no promise
	Again    bool   // encode it though the same content was encoded before
	Paused   bool   // its job begins as a paused one
}

// resolve finds out how a file is to be encoded.
func (m *Master) resolve(name string) (Order, error) {
	sidecar := pipeline.SidecarBeside(name)
	text, err := m.FS.Read(sidecar, pipeline.MaxSidecar)
	switch {
	case errors.Is(err, sharefs.ErrTooLarge), errors.Is(err, sharefs.ErrNotRegular): // no time will mend that
		return Order{}, pipeline.Refuse("The settings beside the file can't be used: %v.", err).Because(err)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return Order{}, err
	}
	folder, _, below := strings.Cut(strings.TrimPrefix(name, pipeline.Inbox+"/"), "/")
	if !below {
		folder = ""
	}
	return m.Resolve(folder, path.Base(sidecar), text)
}

// vouched reports whether a file is whole without waiting: its tag matches, or `distenc add` put it there.
func (m *Master) vouched(f watcher.File, crc32 string) bool {
	if tag := pipeline.Tag(path.Base(f.Name)); tag != "" {
		return tag == crc32
	}
	order, err := m.resolve(f.Name)
	return err == nil && promised(order, f)
}

// promised reports whether `distenc add` put the file there: by a rename, when all of it was written.
func promised(order Order, f watcher.File) bool { return order.Nonce != "" && order.Size == f.Size }

// steered lets the settings beside a file steer its job as commands do, which write there while it waits.
func (m *Master) steered(j *pipeline.Job, sidecar string) error {
	text, err := m.FS.Read(sidecar, pipeline.MaxSidecar)
	if err != nil {
		return nil // it has none, as most; newJob has met every other error
	}
	order, err := m.Resolve("", path.Base(sidecar), text)
	if err == nil && order.Paused {
		err = pipeline.Ask(m.FS, j.ID, pipeline.ControlPause, "")
	}
	if err == nil && order.Priority != j.Priority {
		err = pipeline.Ask(m.FS, j.ID, pipeline.ControlPriority, strconv.Itoa(order.Priority)+"\n")
	}
	return err
}
