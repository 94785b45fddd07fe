package main

import (
	"log/slog"

	"github.com/distenc/distenc/cmd/internal/hooks"
	"github.com/distenc/distenc/cmd/internal/notices"
	"github.com/distenc/distenc/pipeline"
)

// teller is who tells people of events, or a program that waits for one.
type teller interface {
	Receivers(kind pipeline.EventKind) []string
	Tell(u *pipeline.Untold)
}

// tellers are those of a daemon.
type tellers struct {
	hooks   *hooks.Runner
	notices *notices.Sender
}

func newTellers(f *farm, log *slog.Logger) tellers {
	return tellers{
		hooks:   hooks.New(f.hooks, log),
		notices: notices.New(func() notices.Settings { return f.cfg().Notify }, log),
	}
}

// Receivers returns who wants to be told of such an event.
func (t tellers) Receivers(kind pipeline.EventKind) (all []string) {
	if t.hooks.Wants(kind) {
		all = append(all, hooks.Receiver)
	}
	if t.notices.Wants(kind) {
		all = append(all, notices.Receiver)
	}
	return all
}

// Tell hands an event to its receiver.
func (t tellers) Tell(u *pipeline.Untold) {
	switch u.Receiver {
	case hooks.Receiver:
		t.hooks.Tell(u)
	case notices.Receiver:
		t.notices.Tell(u)
	}
}

// waker wakes a command that waits for the job of its private share to end.
type waker chan struct{}

// Receivers implements teller.
func (w waker) Receivers(kind pipeline.EventKind) []string {
	if kind == pipeline.EventDone || kind == pipeline.EventFailed {
		return []string{"command"}
	}
	return nil
}

// Tell implements teller. That the event stands is nothing to anybody: the share goes with the command.
func (w waker) Tell(*pipeline.Untold) {
	select {
	case w <- struct{}{}:
	default:
	}
}
