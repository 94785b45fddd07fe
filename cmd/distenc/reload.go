package main

import (
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/distenc/distenc/cmd/internal/config"
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
	for _, key := range fixed(f.cfg(), cfg) {
		f.log.Warn("this setting changes when the daemon is started again", "key", key)
	}
	f.live.Store(&cfg)
	f.log.Info("the configuration was read again")
}

// fixed names the settings that differ and that a running daemon does not take.
func fixed(old, now config.Config) (keys []string) {
	for key, differs := range map[string]bool{
		"share": old.Share != now.Share, "lease": old.Lease != now.Lease,
		"worker.slots": old.Worker.Slots != now.Worker.Slots,
		"worker.nice":  old.Worker.Nice != now.Worker.Nice, "worker.io_class": old.Worker.IOClass != now.Worker.IOClass,
		"http.listen": old.HTTP.Listen != now.HTTP.Listen, "http.hosts": !slices.Equal(old.HTTP.Hosts, now.HTTP.Hosts),
		"log.format": old.Log.Format != now.Log.Format,
	} {
		if differs {
			keys = append(keys, key)
		}
	}
	return keys
}
