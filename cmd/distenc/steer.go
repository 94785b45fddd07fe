package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"path"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// steering makes a command that asks something of one job, or of a file that is none: fits tells of which it
// can be asked.
func steering(g *global, cmd *cobra.Command, fits func(*sharefs.FS, []target) func(target) bool,
	act func(cmd *cobra.Command, share *sharefs.FS, t target, args []string) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		share, err := g.share(cmd)
		if err != nil {
			return err
		}
		all, err := targets(cmd.Context(), share, args[0])
		if err != nil {
			return err
		}
		t, err := pick(all, args[0], fits(share, all))
		if err != nil {
			return err
		}
		return act(cmd, share, t, args[1:])
	}
	return cmd
}

// ended tells whether nothing can be asked of a job any more.
func ended(j pipeline.JobStatus) error {
	if j.State == pipeline.Done || j.State == pipeline.Cancelled || j.Decided {
		return fmt.Errorf("job %s (%s) has ended: it is %s", j.ID, j.Name, j.State)
	}
	return nil
}

func newPause(g *global) *cobra.Command {
	var now bool
	cmd := steering(g, &cobra.Command{
		Use:   "pause JOB",
		Short: "Let no more chunks of a job be claimed",
		Long: `No more chunks of the job are claimed, at once. What runs is finished, or handed back with --now. A file that
still waits in the inbox becomes a paused job.`,
		Args: takes("JOB"),
	}, goesOn, func(cmd *cobra.Command, share *sharefs.FS, t target, _ []string) error {
		err := t.ask(share, func() error {
			name := pipeline.ControlPause
			if now {
				name = pipeline.ControlPauseNow
			}
			return pipeline.Ask(share, t.job.ID, name, "")
		}, func(s *config.Sidecar) { s.Paused = true })
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s is paused; `distenc resume %q` goes on\n", t.name, t.id())
		return nil
	})
	cmd.Flags().BoolVar(&now, "now", false, "hand back the chunks that are being encoded")
	return cmd
}

func newResume(g *global) *cobra.Command {
	return steering(g, &cobra.Command{Use: "resume JOB", Short: "Go on with a paused job", Args: takes("JOB")}, goesOn,
		func(cmd *cobra.Command, share *sharefs.FS, t target, _ []string) error {
			err := t.ask(share, func() error {
				return pipeline.Withdraw(share, t.job.ID, pipeline.ControlPause, pipeline.ControlPauseNow)
			}, func(s *config.Sidecar) { s.Paused = false })
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s goes on\n", t.name)
			return nil
		})
}

func newCancel(g *global) *cobra.Command {
	return steering(g, &cobra.Command{
		Use: "cancel JOB", Short: "End a job without an output",
		Long: "Ends a job, or takes a file out of the inbox. The source goes to failed/, where nothing is lost and `retry` finds it; chunks are removed.",
		Args: takes("JOB"),
	}, goesOn, func(cmd *cobra.Command, share *sharefs.FS, t target, _ []string) error {
		who := "somebody"
		if u, err := user.Current(); err == nil {
			who = u.Username
		}
		if t.waiting != "" {
			return t.takeOut(cmd, share, "Cancelled by "+who+" before it was taken in.")
		}
		if err := ended(*t.job); err != nil {
			return err
		}
		// The decision itself, not a wish: the first one holds, and a master carries it out.
		d, err := pipeline.Decide(share, t.job.ID, pipeline.Decision{Act: pipeline.ActCancelled, Reason: "Cancelled by " + who + ".", By: pipeline.NewNode("c")})
		if err != nil {
			return err
		}
		if d.Act != pipeline.ActCancelled {
			return fmt.Errorf("too late: job %s is decided already (%s)", t.job.ID, d.Act)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s is cancelled; a master puts its source into %s\n", t.name, share.Path(pipeline.FailedDir))
		return nil
	})
}

func newRetry(g *global) *cobra.Command {
	return steering(g, &cobra.Command{
		Use: "retry JOB", Short: "Try a failed job or a refused file again",
		Long: `Frees the chunks of a job that were set aside; what is encoded already is kept. A job that failed as a
whole starts anew, as does a file that was refused: its source goes back to where it was in the inbox, with
its own settings. For a refused file JOB is its folder's name below failed/, or a part of it.`,
		Args: takes("JOB"),
	}, canRetry, func(cmd *cobra.Command, share *sharefs.FS, t target, _ []string) error {
		switch {
		case t.job == nil:
			source, inbox, err := pipeline.FailedSource(share, t.refused)
			if err != nil {
				return err
			}
			return backToInbox(cmd, share, source, inbox)
		case t.job.State == pipeline.Done:
			return fmt.Errorf("job %s (%s) is done; `distenc add --again` encodes its source once more", t.job.ID, t.name)
		case t.job.Decided:
			return retryWhole(cmd, share, *t.job)
		case t.job.Chunks.Failed == 0:
			return fmt.Errorf("job %s (%s) has no chunk that was set aside", t.job.ID, t.name)
		}
		if err := pipeline.Ask(share, t.job.ID, pipeline.ControlRetry, ""); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s is tried again\n", t.name)
		return nil
	})
}

// retryWhole moves the source of a job that has failed or was cancelled to the inbox.
func retryWhole(cmd *cobra.Command, share *sharefs.FS, j pipeline.JobStatus) error {
	job, err := pipeline.LoadJob(share, j.ID)
	if err != nil {
		return err
	}
	closed, err := pipeline.LoadClosed(share, j.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is just being put away; try again in a moment (a master must be running)", j.Name)
	}
	if err == nil && closed.Source != "" {
		_, err = share.Stat(string(closed.Source))
	}
	if err != nil || closed.Source == "" {
		return errors.Join(fmt.Errorf("the source of %s is not where it was put; look for it in %s", j.Name, share.Path(pipeline.FailedDir)), err)
	}
	return backToInbox(cmd, share, string(closed.Source), job.Inbox)
}

func backToInbox(cmd *cobra.Command, share *sharefs.FS, source string, inbox pipeline.RawName) error {
	name, err := pipeline.BackToInbox(context.WithoutCancel(cmd.Context()), share, source, inbox)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is back in the inbox: %s\n", shown(path.Base(string(inbox))), shown(share.Path(name)))
	return nil
}

func newPriority(g *global) *cobra.Command {
	return steering(g, &cobra.Command{
		Use: "priority JOB N", Short: "Let a job go before or after others", Args: takes("JOB", "N, a whole number"),
		Long: "Jobs with a higher number go first; a job has 0 unless it was added with another one. Chunks that run are finished.",
	}, goesOn, func(cmd *cobra.Command, share *sharefs.FS, t target, args []string) error {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return usage(fmt.Errorf("%q is no whole number", args[0]))
		}
		err = t.ask(share, func() error {
			return pipeline.Ask(share, t.job.ID, pipeline.ControlPriority, strconv.Itoa(n)+"\n")
		}, func(s *config.Sidecar) { s.Priority = n })
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s has priority %d\n", t.name, n)
		return nil
	})
}
