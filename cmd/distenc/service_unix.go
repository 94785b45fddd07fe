//go:build unix

package main

import (
	"errors"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
)

func (*global) installService(*cobra.Command, string) error { return usage(errors.New(serviceInstead)) }

func uninstallService(io.Writer) error { return usage(errors.New(serviceInstead)) }

// start runs this process's command line and returns its exit code.
func start() int { return run(os.Args[1:], os.Stdout, os.Stderr) }

// notifyStops tells of the signals by which people and the service manager stop a command.
func notifyStops(signals chan os.Signal, which ...os.Signal) { signal.Notify(signals, which...) }

// reachable is an error for a share that this process can't see because of how it runs.
func reachable(string) error { return nil }

// mayLead is an error where no master runs.
func mayLead() error { return nil }
