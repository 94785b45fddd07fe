package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/distenc/distenc/cmd/internal/logging"
)

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
