package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
)

// What people ask of a job are files in jobs/<job>/control/: `distenc pause` makes one, `touch` does as
// well. Their content does not matter, but for priority's.
const (
	ControlPause    = "pause"     // no chunk of it is claimed any more
	ControlPauseNow = "pause-now" // and what runs is handed back
	ControlCancel   = "cancel"    // a master decides so at its next look
	ControlRetry    = "retry"     // a master frees the chunks that were set aside, and removes the file
	ControlPriority = "priority"  // holds a number; jobs with a higher one go first
)

// Control is what people asked of one job.
type Control struct {
	Paused, Now, Cancel, Retry bool
	Missing                    bool // there is no folder for it, and perhaps no job
	Priority                   *int // nil: as it was dropped
}

// ControlFile is a file by which people steer a job.
func ControlFile(job, name string) string { return path.Join(Jobs, job, "control", path.Base(name)) }

// ReadControl reads what people asked of a job. A priority that is no number counts as none.
func ReadControl(f *sharefs.FS, job string) (Control, error) {
	var c Control
	names, err := f.List(path.Dir(ControlFile(job, ControlPause)))
	if errors.Is(err, fs.ErrNotExist) {
		c.Missing = true
		return c, nil
	}
	if err != nil {
		return c, err
	}
	for _, n := range names {
		switch n {
		case ControlPause:
			c.Paused = true
		case ControlPauseNow:
			c.Paused, c.Now = true, true
		case ControlCancel:
			c.Cancel = true
		case ControlRetry:
			c.Retry = true
		case ControlPriority:
			if b, err := f.Read(ControlFile(job, n), maxPriorityFile); err == nil {
				if p, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
					c.Priority = &p
				}
			}
		}
	}
	return c, nil
}

// MaxPriority bounds a priority both ways; enough to order people's wishes.
const MaxPriority = 1000

// maxPriorityFile bounds what is read of a priority file, in bytes.
const maxPriorityFile = 64

// Ask makes a control file; that it is there already is as good.
func Ask(f *sharefs.FS, job, name, content string) error {
	if err := f.MkdirAll(path.Dir(ControlFile(job, name))); err != nil {
		return err
	}
	if name == ControlPriority {
		return f.Replace(ControlFile(job, name), []byte(content))
	}
	err := f.Create(ControlFile(job, name), []byte(content))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// Withdraw removes control files; one that is missing is as good.
func Withdraw(f *sharefs.FS, job string, names ...string) error {
	for _, n := range names {
		if err := f.Remove(ControlFile(job, n)); err != nil {
			return fmt.Errorf("cannot withdraw %s of %s: %w", n, job, err)
		}
	}
	return nil
}
