package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// followPoll is the time between two looks of --wait and of a progress line.
const followPoll = time.Second

// wait follows the job that the drop became until it ended. wake ends a wait between two looks early; it may be nil.
func (d drop) wait(ctx context.Context, share *sharefs.FS, r *view.Reader, p *progress,
	wake <-chan struct{}) (pipeline.JobStatus, error) {
	defer p.close()
	said := "" // why nothing becomes of it as things are
	for {
		s, err := r.Read(ctx)
		if err != nil {
			return pipeline.JobStatus{}, err
		}
		p.lacks(view.Missing(s))
		for _, w := range s.Inbox {
			if w.Why != said && path.Join(pipeline.Inbox, w.Name) == shown(d.name) {
				said = w.Why
				p.say(shown(w.Name + " is left alone: " + w.Why))
			}
		}
		for _, j := range s.Jobs {
			if !d.became(j) {
				continue
			}
			switch j.State {
			case pipeline.Done:
				out, err := share.Stat(j.Output)
				if err == nil {
					p.ended(j, out.Size())
				}
				return j, nil // people may have taken the output already
			case pipeline.JobFailed, pipeline.Cancelled:
				return j, nil
			}
			p.show(j)
		}
		if rejected := d.rejected(share); rejected != nil {
			if rejected.Twin == "" {
				return pipeline.JobStatus{Name: path.Base(d.name), State: pipeline.JobFailed, Error: rejected.Reason}, nil
			}
			d.twin = rejected.Twin
			p.say(path.Base(d.name) + ": " + rejected.Reason)
		}
		select {
		case <-ctx.Done():
			return pipeline.JobStatus{}, context.Cause(ctx)
		case <-time.After(followPoll):
		case <-wake:
		}
	}
}

// became tells whether that is the drop's job.
func (d drop) became(j pipeline.JobStatus) bool {
	return j.Nonce == d.nonce || d.twin != "" && j.ID == d.twin
}

// rejected looks for the drop in failed/: a file that never became a job lies there with its sidecar. nil: it is not there.
func (d drop) rejected(share *sharefs.FS) *pipeline.Reject {
	base := path.Base(d.name)
	folders, err := share.List(pipeline.FailedDir)
	if err != nil || d.twin != "" {
		return nil
	}
	for _, folder := range folders {
		if !strings.HasPrefix(folder, base) {
			continue
		}
		data, err := share.Read(pipeline.SidecarBeside(path.Join(pipeline.FailedDir, folder, base)), config.MaxSidecar)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if s, perr := config.ParseSidecar(base, data); err == nil && perr == nil && s.Nonce == d.nonce {
			r, err := pipeline.LoadReject(share, folder)
			if err != nil {
				return nil
			}
			return r
		}
	}
	return nil
}

// lackTime is how long something is missing before a person who waits is told so: it may be just starting.
const lackTime = 10 * time.Second

// lacks tells once what is missing for the work to go on.
func (p *progress) lacks(what string) {
	switch {
	case !p.missing:
	case what == "":
		p.lacking, p.nagged = time.Time{}, false
	case p.lacking.IsZero():
		p.lacking = time.Now()
	case !p.nagged && time.Since(p.lacking) >= lackTime:
		p.nagged = true
		p.say("distenc: " + what)
	}
}

// say writes a line of its own.
func (p *progress) say(text string) {
	if p.tty && p.seen {
		text = "\n" + text
	}
	fmt.Fprintln(p.w, text)
}
