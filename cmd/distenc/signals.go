package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/distenc/distenc/cmd/internal/logging"
)

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted")

// stops are the two ways in which a person or the service manager ends a command. The second implies
// the first. Either context's cause is an errInterrupted that names the signal.
type stops struct {
	gently context.Context // first SIGINT or SIGTERM: hand unfinished work back, then end
	atOnce context.Context // second one: end now, hand nothing back
}

// catchSignals turns signals into stops. A third signal kills the process as if it was not caught, in
// case it hangs. release gives the signals back.
func catchSignals(parent context.Context) (s stops, release func()) {
	signals := make(chan os.Signal, 2)
	notifyStops(signals, slices.Collect(maps.Keys(signalNames))...)
	atOnce, stopAtOnce := context.WithCancelCause(parent)
	gently, stopGently := context.WithCancelCause(atOnce)
	go func() {
		defer signal.Stop(signals)
		if await(atOnce, signals, stopGently) {
			await(atOnce, signals, stopAtOnce)
		}
	}()
	return stops{gently: gently, atOnce: atOnce}, func() { stopAtOnce(nil) }
}

// signalNames are what people know the signals by that stop a command.
var signalNames = map[os.Signal]string{syscall.SIGINT: "Ctrl-C (SIGINT)", syscall.SIGTERM: "SIGTERM"}

// await calls stop at the next signal; false if ctx ended before.
func await(ctx context.Context, signals <-chan os.Signal, stop context.CancelCauseFunc) bool {
	select {
	case sig := <-signals:
		stop(fmt.Errorf("%w by %s", errInterrupted, signalNames[sig]))
		return true
	case <-ctx.Done():
		return false
	}
}

// told calls tell as soon as the first signal has come.
func (s stops) told(tell func()) {
	context.AfterFunc(s.gently, func() {
		if errors.Is(context.Cause(s.gently), errInterrupted) {
			tell()
		}
	})
}

// hint tells the person at a terminal what a second Ctrl-C does.
func hint() {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		_, _ = fmt.Fprintln(os.Stderr, "\nstopping; once more stops at once")
	}
}

// oneShot is what a command that was to finish something returns: errInterrupted if a signal came, and
// err otherwise. A command that finished in spite of the signal passes nil and returns nil.
func (s stops) oneShot(err error) error {
	if err != nil && s.gently.Err() != nil {
		return context.Cause(s.gently)
	}
	return err
}

// daemon is what a command that runs until it is told to stop returns: nil if it was told so once and
// did, whatever of that reached it as an error of its context; systemd takes that for success.
func (s stops) daemon(err error) error {
	if s.atOnce.Err() != nil {
		return context.Cause(s.atOnce)
	}
	if s.gently.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, errInterrupted)) {
		return nil
	}
	return err
}

// reloads has SIGHUP read the configuration again, until the process ends. At a terminal the signal keeps
// its meaning: the terminal is gone, and so should be what was started there.
func (g *global) reloads(cmd *cobra.Command, f *farm) {
	if term.IsTerminal(int(os.Stdin.Fd())) {
		return
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for range hangups {
			g.reload(cmd, f)
		}
	}()
}

// reload puts a new configuration in place of the old one. One with a mistake in it changes nothing.
func (g *global) reload(cmd *cobra.Command, f *farm) {
	level := g.level.Level()
	cfg, _, err := g.load(cmd)
	if err != nil {
		g.level.Set(level)
		f.log.Error("the configuration stays as it was", "error", err)
		return
	}
	g.level.Set(logging.Level(cfg.Log.Level))
	for _, key := range f.cfg().Fixed(cfg) {
		f.log.Warn("this setting changes when the daemon is started again", "key", key)
	}
	f.live.Store(&cfg)
	f.log.Info("the configuration was read again")
}
