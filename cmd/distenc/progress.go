package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/pipeline"
)

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

// statusLine tells on a terminal what is going on, in one line that it writes anew; elsewhere nothing.
type statusLine struct {
	w    io.Writer
	tty  bool
	wide int // columns of the last one
}

func newStatusLine(w io.Writer) *statusLine {
	return &statusLine{w: w, tty: styleOf(w).Width > 0}
}

// show may be called from several goroutines of which one at a time does.
func (l *statusLine) show(part float64, what string) {
	if !l.tty {
		return
	}
	line := fmt.Sprintf("%s: %.0f%%", what, 100*part)
	fmt.Fprintf(l.w, "\r%-*s", l.wide, line)
	l.wide = len(line)
}

func (l *statusLine) close() {
	if l.wide > 0 {
		fmt.Fprintf(l.w, "\r%-*s\r", l.wide, "")
	}
}
