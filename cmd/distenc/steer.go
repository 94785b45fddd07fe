package main

import (
	"cmp"
	"context"
	"fmt"
	"os/user"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/control"
	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
)

// verb is one wish, as it is asked of a share here, and of a master over the network.
type verb struct {
	things string // that it is asked of: control.Jobs or control.Nodes
	name   string
	body   map[string]any
	ask    steer.Wish
}

// steering makes a command that wishes something, and prints what came of it. Its first argument is the word; wish
// returns what the others and its flags mean.
func steering(g *global, cmd *cobra.Command, wish func(args []string) (verb, error)) *cobra.Command {
	var from of
	from.tokenFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		v, err := wish(args[1:])
		if err != nil {
			return err
		}
		text, err := g.fulfil(cmd, args[0], from, v)
		if err == nil {
			fmt.Fprintln(cmd.OutOrStdout(), text)
		}
		return err
	}
	return cmd
}

// fulfil returns a sentence about what came of a wish.
func (g *global) fulfil(cmd *cobra.Command, word string, from of, v verb) (string, error) {
	if err := from.both(cmd); err != nil {
		return "", err
	}
	if from.address != "" {
		return from.over(cmd.Context(), word, v)
	}
	_, _, share, err := g.open(cmd)
	if err != nil {
		return "", err
	}
	o, err := v.ask(deskOf(share), cmd.Context(), word)
	return view.Outcome(share.Root(), o), err
}

// just is a wish that has no more to it than its name.
func just(things, name string, ask steer.Wish) func([]string) (verb, error) {
	return func([]string) (verb, error) { return verb{things, name, nil, ask}, nil }
}

func newPause(g *global) *cobra.Command {
	var now bool
	cmd := steering(g, &cobra.Command{
		Use:   "pause JOB",
		Short: "Let no more chunks of a job be claimed",
		Long: `No more chunks of the job are claimed, at once. What runs is finished, or handed back with --now. A file that
still waits in the inbox becomes a paused job.`,
		Args: takes("JOB"),
	}, func([]string) (verb, error) {
		return verb{control.Jobs, "pause", map[string]any{"now": now},
			func(desk steer.Desk, ctx context.Context, word string) (steer.Outcome, error) {
				return desk.Pause(ctx, word, now)
			}}, nil
	})
	cmd.Flags().BoolVar(&now, "now", false, "hand back the chunks that are being encoded")
	return cmd
}

func newResume(g *global) *cobra.Command {
	return steering(g, &cobra.Command{Use: "resume JOB", Short: "Go on with a paused job", Args: takes("JOB")},
		just(control.Jobs, "resume", steer.Desk.Resume))
}

func newCancel(g *global) *cobra.Command {
	return steering(g, &cobra.Command{
		Use: "cancel JOB", Short: "End a job without an output", Args: takes("JOB"),
		Long: "Ends a job, or takes a file out of the inbox. The source goes to failed/, where nothing is lost and `retry` " +
			"finds it; chunks are removed.",
	}, just(control.Jobs, "cancel", steer.Desk.Cancel))
}

// somebody is who runs this program, for people.
func somebody() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "somebody"
}

func newRetry(g *global) *cobra.Command {
	return steering(g, &cobra.Command{
		Use: "retry JOB", Short: "Try a failed job or a refused file again", Args: takes("JOB"),
		Long: `Frees the chunks of a job that were set aside; what is encoded already is kept. A job that failed as a
whole starts anew, as does a file that was refused: its source goes back to where it was in the inbox, with
its own settings. For a refused file JOB is its folder's name below failed/, or a part of it.`,
	}, just(control.Jobs, "retry", steer.Desk.Retry))
}

func newPriority(g *global) *cobra.Command {
	return steering(g, &cobra.Command{
		Use: "priority JOB N", Short: "Let a job go before or after others", Args: takes("JOB", "N"),
		Long: "Jobs with a higher number go first; a job has 0 unless it was added with another one. Chunks that run are " +
			"finished.",
	}, func(args []string) (verb, error) {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return verb{}, usage(fmt.Errorf("a priority must be a whole number, is %q", args[0]))
		}
		return verb{control.Jobs, "priority", map[string]any{"priority": n},
			func(desk steer.Desk, ctx context.Context, word string) (steer.Outcome, error) {
				return desk.Prioritise(ctx, word, n)
			}}, nil
	})
}

func deskOf(share *sharefs.FS) steer.Desk {
	return steer.Desk{Share: share, Settings: sidecars{}, By: somebody()}
}

// sidecars reads and writes the settings beside a film as cmd/internal/config has them.
type sidecars struct{}

// Amend implements steer.Settings. A wish that the settings do not allow is wrong usage.
func (sidecars) Amend(name string, data []byte, w steer.Wishes) ([]byte, error) {
	s, err := config.ParseSidecar(name, data)
	if err != nil {
		return nil, err
	}
	s.Profile, s.Choices = cmp.Or(w.Profile, s.Profile), s.With(w.Settings)
	s.Again = s.Again || w.Again
	if w.Priority != nil {
		s.Priority = *w.Priority
	}
	if w.Paused != nil {
		s.Paused = *w.Paused
	}
	if w.Nonce != "" {
		s.Nonce, s.Size = w.Nonce, w.Size
	}
	if data, err = s.Encode(); err != nil {
		return nil, err
	}
	if _, err := config.ParseSidecar(name, data); err != nil {
		return nil, usage(err)
	}
	return data, nil
}

// Nonce implements steer.Settings.
func (sidecars) Nonce(data []byte) string {
	s, _ := config.ParseSidecar("", data) // settings that can't be read have none
	return s.Nonce
}

// wishes fills in what people are shown of the settings beside a waiting film.
func wishes(sidecar []byte, w *status.Waiting) {
	if s, err := config.ParseSidecar(w.Name, sidecar); err == nil {
		w.Whole, w.Paused, w.Priority = s.Nonce != "" && s.Size == w.Size, s.Paused, s.Priority
	}
}
