// Package logging sets up the log of a command: lines for people or JSON for machines, on one writer.
package logging

import (
	"io"
	"log/slog"
	"os"
)

// Level reads debug, info, warn or error; the configuration has checked it.
func Level(name string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo
	}
	return l
}

// New returns a logger. format is text or json; the configuration has checked it. level may change later:
// slog.LevelVar. Into systemd's journal, lines go without a time: the journal has its own.
func New(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if toJournal(w, os.Getenv("JOURNAL_STREAM")) {
		opts.ReplaceAttr = withoutTime
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
