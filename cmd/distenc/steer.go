package main

import (
	"cmp"
	"context"
	"fmt"
	"os/user"
	"path"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
)

// steering makes a command that wishes something, and prints what came of it. Its first argument is the word.
func steering(g *global, cmd *cobra.Command,
	wish func(ctx context.Context, desk steer.Desk, args []string) (steer.Outcome, error)) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		_, _, share, err := g.open(cmd)
		if err != nil {
			return err
		}
		o, err := wish(cmd.Context(), deskOf(share), args)
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), outcomeLine(share, o))
		return nil
	}
	return cmd
}

func outcomeLine(share *sharefs.FS, o steer.Outcome) string {
	switch o.State {
	case steer.Paused:
		return fmt.Sprintf("%s is paused; `distenc resume %q` goes on", o.Name, o.Word)
	case steer.Cancelled:
		return fmt.Sprintf("%s is cancelled; a master puts its source into %s", o.Name, share.Path(pipeline.FailedDir))
	case steer.PutAside:
		return fmt.Sprintf("%s is out of the inbox, and lies in %s", o.Name, shown(share.Path(path.Dir(o.Path))))
	case steer.TriedAgain:
		return o.Name + " is tried again"
	case steer.InInbox:
		return fmt.Sprintf("%s is back in the inbox: %s", o.Name, shown(share.Path(o.Path)))
	case steer.Prioritised:
		return fmt.Sprintf("%s has priority %d", o.Name, o.Priority)
	case steer.Rests:
		return fmt.Sprintf("%s claims nothing more as soon as it hears of it; `distenc nodes wake %s` ends that",
			o.Name, o.Word)
	case steer.Awake:
		return o.Name + " is not asked to rest any more"
	case steer.GoesOn:
	}
	return o.Name + " goes on"
}

func newPause(g *global) *cobra.Command {
	var now bool
	cmd := steering(g, &cobra.Command{
		Use:   "pause JOB",
		Short: "Let no more chunks of a job be claimed",
		Long: `No more chunks of the job are claimed, at once. What runs is finished, or handed back with --now. A file that
still waits in the inbox becomes a paused job.`,
		Args: takes("JOB"),
	}, func(ctx context.Context, desk steer.Desk, args []string) (steer.Outcome, error) {
		return desk.Pause(ctx, args[0], now)
	})
	cmd.Flags().BoolVar(&now, "now", false, "hand back the chunks that are being encoded")
	return cmd
}

func newResume(g *global) *cobra.Command {
	return steering(g, &cobra.Command{Use: "resume JOB", Short: "Go on with a paused job", Args: takes("JOB")},
		func(ctx context.Context, desk steer.Desk, args []string) (steer.Outcome, error) {
			return desk.Resume(ctx, args[0])
		})
}

func newCancel(g *global) *cobra.Command {
	return steering(g, &cobra.Command{
		Use: "cancel JOB", Short: "End a job without an output", Args: takes("JOB"),
		Long: "Ends a job, or takes a file out of the inbox. The source goes to failed/, where nothing is lost and `retry` " +
			"finds it; chunks are removed.",
	}, func(ctx context.Context, desk steer.Desk, args []string) (steer.Outcome, error) {
		return desk.Cancel(ctx, args[0], somebody())
	})
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
	}, func(ctx context.Context, desk steer.Desk, args []string) (steer.Outcome, error) {
		return desk.Retry(ctx, args[0])
	})
}

func newPriority(g *global) *cobra.Command {
	return steering(g, &cobra.Command{
		Use: "priority JOB N", Short: "Let a job go before or after others", Args: takes("JOB", "N"),
		Long: "Jobs with a higher number go first; a job has 0 unless it was added with another one. Chunks that run are " +
			"finished.",
	}, func(ctx context.Context, desk steer.Desk, args []string) (steer.Outcome, error) {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return steer.Outcome{}, usage(fmt.Errorf("a priority must be a whole number, is %q", args[1]))
		}
		if n < -pipeline.MaxPriority || n > pipeline.MaxPriority {
			return steer.Outcome{}, usage(fmt.Errorf("a priority must be from %d to %d, is %d",
				-pipeline.MaxPriority, pipeline.MaxPriority, n))
		}
		return desk.Prioritise(ctx, args[0], n)
	})
}

func deskOf(share *sharefs.FS) steer.Desk { return steer.Desk{Share: share, Settings: sidecars{}} }

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
