package main

import (
	"context"
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
			case pipeline.Done, pipeline.Skipped:
				p.ended(j)
				return j, nil
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
