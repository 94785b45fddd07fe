// Package service speaks to systemd (sd_notify(3)): that the daemon is ready, what it does, that it is
// alive. Where no service manager listens every call does nothing.
package service

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Ready reports that the daemon has found everything it needs.
func Ready() { notify(daemon.SdNotifyReady) }

// Stopping reports that the daemon hands its work back.
func Stopping() { notify(daemon.SdNotifyStopping) }

// Status shows one line in `systemctl status`.
func Status(line string) { notify("STATUS=" + line) }

// Watchdog feeds systemd's watchdog until ctx ends, if the unit has one. It runs in a goroutine of its
// own that never touches the share: a file server that is away is no reason to be restarted.
func Watchdog(ctx context.Context) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return
	}
	t := time.NewTicker(every / 2)
	defer t.Stop()
	for {
		notify(daemon.SdNotifyWatchdog)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// notify drops the error: a manager that does not listen can't be told so either.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }
