package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/distenc/distenc/pipeline"
)

// bar shows one job's progress: drawn in place on a terminal, plain lines now and then elsewhere.
type bar struct {
	w     io.Writer
	drawn *progressbar.ProgressBar // nil: no terminal, or not yet known how many frames there are
	tty   bool
	state pipeline.JobState // the last one told
	told  time.Time
}

// plainEvery is the time between two plain lines.
const plainEvery = 10 * time.Second

func newBar(w io.Writer) *bar {
	f, ok := w.(*os.File)
	return &bar{w: w, tty: ok && term.IsTerminal(int(f.Fd()))}
}

// show tells how far the job is.
func (b *bar) show(j pipeline.JobStatus) {
	if !b.tty {
		b.line(j)
		return
	}
	if b.drawn == nil {
		if j.Frames.Total == 0 {
			return
		}
		b.drawn = progressbar.NewOptions(j.Frames.Total, progressbar.OptionSetWriter(b.w), progressbar.OptionFullWidth(),
			progressbar.OptionSetItsString("frames"), progressbar.OptionShowIts(), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond))
	}
	b.drawn.Describe(string(j.State))
	_ = b.drawn.Set(j.Frames.Done) // the only error is of writing to the terminal
}

func (b *bar) line(j pipeline.JobStatus) {
	if j.State == b.state && time.Since(b.told) < plainEvery {
		return
	}
	b.state, b.told = j.State, time.Now()
	eta := ""
	if j.ETA > 0 {
		eta = fmt.Sprintf(", %s left", (time.Duration(j.ETA) * time.Second).String())
	}
	fmt.Fprintf(b.w, "%s: %s, %d of %d frames, %.1f frames/s%s\n", j.Name, j.State, j.Frames.Done, j.Frames.Total, j.FPS, eta)
}

// done leaves the terminal tidy.
func (b *bar) done() {
	if b.drawn != nil {
		_ = b.drawn.Exit()
		fmt.Fprintln(b.w)
	}
}
