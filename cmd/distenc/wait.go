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
	"github.com/distenc/distenc/pipeline/status"
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
		if why := d.leftAlone(share); why != "" && why != said {
			said = why
			p.say(shown(path.Base(d.name) + " is left alone: " + why))
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
			if twin, err := status.ReadJob(share, d.twin); err == nil {
				p.first = twin.Frames.Done
			}
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

// leftAlone returns why the master does not take the drop. Only the master's word counts: a file that is being added has
// two names for a moment.
func (d drop) leftAlone(share *sharefs.FS) string {
	return pipeline.WhyLeft(pipeline.LoadLeftAlone(share), strings.TrimPrefix(d.name, pipeline.Inbox+"/"))
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
