package main

import (
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/logging"
)

// addNice adds the flag of the commands that encode for a person who waits.
func addNice(cmd *cobra.Command) {
	cmd.Flags().Int("nice", 0, "niceness of the encoders, 0 to 19")
	sets(cmd.Flags(), "nice", "worker.nice")
}

// ownNice is the niceness where the flag is not given: a daemon's is not for a person who waits.
func ownNice(cmd *cobra.Command) []config.Flag {
	if cmd.Flags().Changed("nice") {
		return nil
	}
	return []config.Flag{{Name: cmd.Name(), Key: "worker.nice", Value: "0"}}
}

// quietLog has nothing but errors unless a person asks for more: the progress says the rest.
func quietLog(cmd *cobra.Command, cfg config.Config) *slog.Logger {
	level := cfg.Log.Level
	if !cmd.Flags().Changed("log-level") {
		level = "error"
	}
	return logging.New(cmd.ErrOrStderr(), cfg.Log.Format, logging.Level(level))
}

// One machine and a local folder: nothing is stale, so looks can be quick. They cost no one else.
const (
	privatePoll = 500 * time.Millisecond
	privateBeat = 2 * time.Second
	// privateTogether is how long the next step of a job waits for what comes at the same time.
	privateTogether = 2 * time.Millisecond
)

// private is a configuration for a share that one encode has for itself. What keeps a daemon from disturbing others
// is not for a person who waits.
func private(cfg config.Config) config.Config {
	cfg.Output.Source, cfg.Disk.MinFree = "archive", 0
	cfg.Watch.Settle, cfg.Watch.Poll = 0, privatePoll
	cfg.Lease.Heartbeat, cfg.Lease.Expiry = privateBeat, 15*privateBeat
	cfg.Worker.Hours, cfg.Worker.MaxLoad = config.Hours{}, 0
	return cfg
}
