package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/pipeline/status"
)

// watchEvery is the time between two looks at the share.
const watchEvery = 2 * time.Second

// show writes one state.
type show func(w io.Writer, s *status.Status, style view.TerminalStyle) error

// watch shows the state again and again until ctx ends, which is no failure.
func watch(ctx context.Context, r reader, w io.Writer, show show) error {
	if style := styleOf(w); style.Width > 0 {
		return watchScreen(ctx, r, w.(*os.File), show)
	}
	var changes view.Changes
	for {
		s, err := r.Read(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			fmt.Fprintln(w, time.Now().Format(time.TimeOnly), err)
		default:
			for _, line := range changes.Since(s) {
				fmt.Fprintln(w, time.Now().Format(time.TimeOnly), line)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}

// What a terminal is told: xterm's control sequences, "Synchronized Output" for those that know it.
const (
	screenOn  = "\x1b[?1049h\x1b[?25l" // another screen, no cursor
	screenOff = "\x1b[?25h\x1b[?1049l"
	drawBegin = "\x1b[?2026h\x1b[H"
	drawEnd   = "\x1b[J\x1b[?2026l"
	lineEnd   = "\x1b[K\r\n"
)

// watchScreen draws in place. Each picture is one write that paints over the last one, so that nothing
// flickers; the last one stays on the ordinary screen.
func watchScreen(ctx context.Context, r reader, w *os.File, show show) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if old, err := term.MakeRaw(int(os.Stdin.Fd())); err == nil {
		defer func() { _ = term.Restore(int(os.Stdin.Fd()), old) }() // the shell mends what is left
		go quitKeys(stop)
	}
	resized := make(chan os.Signal, 1)
	notifyResize(resized)
	defer signal.Stop(resized)

	fmt.Fprint(w, screenOn)
	var last bytes.Buffer
	defer func() { fmt.Fprint(w, screenOff, strings.ReplaceAll(last.String(), "\n", "\r\n")) }()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for s, err := r.Read(ctx); ctx.Err() == nil; {
		var picture bytes.Buffer
		if err == nil {
			err = show(&picture, s, styleOf(w))
		}
		if err != nil {
			fmt.Fprintln(&picture, err)
		}
		draw(w, picture.String())
		last = picture
		select {
		case <-ctx.Done():
		case <-resized:
		case <-tick.C:
			s, err = r.Read(ctx)
		}
	}
	return nil
}

// quitKeys calls stop at q, Ctrl-C or Ctrl-D: a raw terminal makes no signals of them.
func quitKeys(stop func()) {
	key := make([]byte, 1)
	for {
		if n, err := os.Stdin.Read(key); n == 0 || err != nil || strings.ContainsRune("q\x03\x04", rune(key[0])) {
			stop()
			return
		}
	}
}

// draw paints as many lines as there are rows.
func draw(w *os.File, picture string) {
	lines := strings.Split(strings.TrimSuffix(picture, "\n"), "\n")
	if _, height, err := term.GetSize(int(w.Fd())); err == nil && height > 1 && len(lines) >= height {
		lines = append(lines[:height-2], fmt.Sprintf("… %d more lines", len(lines)-height+2))
	}
	fmt.Fprint(w, drawBegin+strings.Join(lines, lineEnd)+lineEnd+drawEnd)
}
