package main

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

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

// progress shows how far one job is: drawn in place on a terminal, plain lines now and then elsewhere.
type progress struct {
	w     io.Writer
	tty   bool
	began time.Time
	first int    // frames that others encoded before this command waited for them
	seen  bool   // it was looked at
	line  string // the last one told
	state pipeline.JobState
	told  time.Time

	missing bool      // it is told what is missing for the work to go on
	lacking time.Time // since when something is; zero: nothing
	nagged  bool      // that was told
}

// plainEvery is the time between two plain lines.
const plainEvery = 10 * time.Second

func newProgress(w io.Writer) *progress {
	return &progress{w: w, tty: styleOf(w).Width > 0, began: time.Now()}
}

// show tells how far the job is, if that is news.
func (p *progress) show(j pipeline.JobStatus) {
	p.seen = true
	if p.tty {
		fmt.Fprint(p.w, "\r"+view.Line(j, styleOf(p.w))+"\x1b[K") // ECMA-48: erase to the end of the line
		return
	}
	if line := plainLine(j); line != p.line && (j.State != p.state || time.Since(p.told) >= plainEvery) {
		p.line, p.state, p.told = line, j.State, time.Now()
		fmt.Fprintln(p.w, line)
	}
}

// plainLine leaves out what is not known.
func plainLine(j pipeline.JobStatus) string {
	words := []string{string(j.State)}
	switch {
	case j.State == pipeline.Analysing:
		words = append(words, fmt.Sprintf("%d of %d chunks", j.Chunks.Done, j.Chunks.Total))
	case j.Frames.Total > 0:
		words = append(words, fmt.Sprintf("%d of %d frames", j.Frames.Done, j.Frames.Total))
	}
	if j.FPS > 0 {
		words = append(words, fmt.Sprintf("%.1f frames/s", j.FPS))
	}
	if j.ETA > 0 {
		words = append(words, (time.Duration(j.ETA)*time.Second).String()+" left")
	}
	return j.Name + ": " + strings.Join(words, ", ")
}

// ended tells what a job with an output came to.
func (p *progress) ended(j pipeline.JobStatus) {
	p.close()
	if j.State == pipeline.Skipped {
		fmt.Fprintf(p.w, "%s: skipped, it stays as it is: %s\n", j.Name, j.Skipped)
		return
	}
	took := time.Since(p.began)
	frames := fmt.Sprintf("%d frames", j.Frames.Total)
	if p.first > 0 {
		frames += fmt.Sprintf(" (%d of them before)", p.first)
	}
	if now := j.Frames.Total - p.first; now > 0 {
		frames += fmt.Sprintf(", %.1f frames/s on average", float64(now)/max(0.001, took.Seconds()))
	}
	fmt.Fprintf(p.w, "%s: done in %s, %s; %s became %s (%.0f%%)\n", j.Name, took.Round(time.Second/10), frames,
		humanize.IBytes(uint64(j.Size)), humanize.IBytes(uint64(j.OutputSize)),
		100*float64(j.OutputSize)/float64(max(1, j.Size)))
	if j.Quality != nil {
		fmt.Fprintf(p.w, "%s: %s\n", j.Name, j.Quality.Text())
	}
}

// close leaves the terminal tidy.
func (p *progress) close() {
	if p.tty && p.seen {
		p.seen = false
		fmt.Fprintln(p.w)
	}
}
