package main

import (
	"context"
	"fmt"
	"path"
	"time"

	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
)

// followPoll is the time between two looks of --wait and of a progress line.
const followPoll = time.Second

// wait follows what became of a submission until its job has ended. wake ends a wait between two looks early; it may be
// nil.
func wait(ctx context.Context, desk steer.Desk, film steer.Submission, r *status.Reader, p *progress,
	wake <-chan struct{}) (pipeline.JobStatus, error) {
	defer p.close()
	said := "" // why nothing becomes of it as things are
	twin := "" // the job of the same content that is waited for in its stead, if any
	for {
		s, err := r.Read(ctx)
		if err != nil {
			return pipeline.JobStatus{}, err
		}
		p.lacks(view.Missing(s))
		if why := desk.LeftAlone(film); why != "" && why != said {
			said = why
			p.say(shown(path.Base(film.Name) + " is left alone: " + why))
		}
		for _, j := range s.Jobs {
			if j.Nonce != film.Nonce && (twin == "" || j.ID != twin) {
				continue
			}
			switch j.State {
			case pipeline.Done:
				out, err := desk.Share.Stat(j.Output)
				if err == nil {
					p.ended(j, out.Size())
				}
				return j, nil // people may have taken the output already
			case pipeline.JobFailed, pipeline.Cancelled:
				return j, nil
			}
			p.show(j)
		}
		if twin == "" {
			if refused := desk.Refused(film); refused != nil {
				if refused.Twin == "" {
					return pipeline.JobStatus{Name: path.Base(film.Name), State: pipeline.JobFailed, Error: refused.Reason}, nil
				}
				twin = refused.Twin
				if before, err := status.ReadJob(desk.Share, twin); err == nil {
					p.first = before.Frames.Done
				}
				p.say(path.Base(film.Name) + ": " + refused.Reason)
			}
		}
		select {
		case <-ctx.Done():
			return pipeline.JobStatus{}, context.Cause(ctx)
		case <-time.After(followPoll):
		case <-wake:
		}
	}
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
