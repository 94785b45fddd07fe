package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc"
	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/control"
	"github.com/distenc/distenc/cmd/internal/doctor"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/steer"
)

// outcome is one row of the table of exit codes.
type outcome struct {
	code  int
	means string
	is    func(error) bool
}

// outcomes says which error ends a process with which code; the first row that fits counts. It is what
// `distenc help exit-codes` prints.
var outcomes = []outcome{
	{0, "ok; also a daemon (master, worker, run) that a first SIGINT or SIGTERM stopped: its work was handed back",
		func(err error) bool { return err == nil }},
	{130, "interrupted: a command that was to finish something was told to stop before, " +
		"or a second signal stopped a daemon at once",
		func(err error) bool { return errors.Is(err, errInterrupted) || errors.Is(err, context.Canceled) }},
	{2, "wrong usage or configuration: the same command line will fail again",
		func(err error) bool { return isUsage(err) || isA[*config.Error](err) }},
	{3, "finished, but a job failed", func(err error) bool { return errors.Is(err, errJobFailed) }},
	{1, "failed", func(error) bool { return true }},
}

// errJobFailed is for commands that did all they could while a job failed.
var errJobFailed = master.ErrJobFailed

// usageError is a mistake in the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error { return &usageError{err} }

// isUsage reports whether another command line is wanted; a word that means several things is such a mistake too.
func isUsage(err error) bool {
	wish, ok := errors.AsType[*steer.Error](err)
	if answer, is := errors.AsType[*control.Problem](err); is {
		return answer.Kind == control.KindAmbiguous || answer.Kind == control.KindWrong
	}
	return isA[*usageError](err) || ok && (wish.Kind == steer.Ambiguous || wish.Kind == steer.Wrong)
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func exitCode(err error) int {
	for _, o := range outcomes {
		if o.is(err) {
			return o.code
		}
	}
	panic("unreachable: the last row fits everything")
}

// report tells the person why the command did not end well. An error of several lines, one for each
// mistake, keeps them. If stderr is closed there is nobody to tell.
func report(w io.Writer, command string, err error) {
	if err == nil {
		return
	}
	for line := range strings.SplitSeq(strings.TrimSpace(err.Error()), "\n") {
		if line != "" {
			_, _ = fmt.Fprintf(w, "distenc: %s\n", shown(line))
		}
	}
	if hint := doctor.Hint(err); hint != "" {
		_, _ = fmt.Fprintln(w, hint)
	}
	if isUsage(err) {
		_, _ = fmt.Fprintf(w, "Run '%s --help' for usage.\n", command)
	}
}

// shown is a name or a line for people, which nobody's file name can turn into control characters.
func shown(text string) string { return pipeline.RawName(text).String() }

// settingsTopic shows the example, which has all settings, their defaults and what they mean.
func settingsTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "settings",
		Short: "What can be set in distenc.toml, with the defaults",
		Long:  "    " + strings.ReplaceAll(strings.TrimSpace(distenc.ExampleConfig), "\n", "\n    "),
	}
}

// exitCodesTopic is a command without code, which cobra takes for a topic of help.
func exitCodesTopic() *cobra.Command {
	var rows strings.Builder
	for _, o := range slices.SortedFunc(slices.Values(outcomes), func(a, b outcome) int { return a.code - b.code }) {
		_, _ = fmt.Fprintf(&rows, "%5d  %s\n", o.code, o.means) // a Builder takes everything
	}
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What a command's exit code means",
		Long:  "Exit codes:\n\n" + rows.String(),
	}
}
