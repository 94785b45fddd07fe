package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"path"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// steering makes a command that asks something of one job.
func steering(g *global, cmd *cobra.Command, act func(cmd *cobra.Command, share *sharefs.FS, j pipeline.JobStatus, args []string) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, _, err := g.load(cmd)
		if err != nil {
			return err
		}
		share, err := openShare(cfg)
		if err != nil {
			return err
		}
		j, err := theJob(share, args[0])
		if err != nil {
			return err
		}
		return act(cmd, share, j, args[1:])
	}
	return cmd
}

// theJob finds the one job that a word means.
func theJob(share *sharefs.FS, word string) (pipeline.JobStatus, error) {
	s, err := pipeline.ReadStatus(share, nil)
	if err != nil {
		return pipeline.JobStatus{}, err
	}
	switch jobs := only(s.Jobs, word); len(jobs) {
	case 0:
		return pipeline.JobStatus{}, fmt.Errorf("there is no job %q; `distenc status` lists them", word)
	case 1:
		return jobs[0], nil
	default:
		var list strings.Builder
		for _, j := range jobs {
			fmt.Fprintf(&list, "\n  %s  %s (%s)", j.ID, j.Name, j.State)
		}
		return pipeline.JobStatus{}, usage(fmt.Errorf("%q means %d jobs, name one by its id: %s", word, len(jobs), list.String()))
	}
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
		Long:  "No more chunks of the job are claimed, at once. What runs is finished, or handed back with --now.",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, share *sharefs.FS, j pipeline.JobStatus, _ []string) error {
		if err := ended(j); err != nil {
			return err
		}
		name := pipeline.ControlPause
		if now {
			name = pipeline.ControlPauseNow
		}
		if err := pipeline.Ask(share, j.ID, name, ""); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s is paused; `distenc resume %s` goes on\n", j.Name, j.ID)
		return nil
	})
	cmd.Flags().BoolVar(&now, "now", false, "hand back the chunks that are being encoded")
	return cmd
}

func newResume(g *global) *cobra.Command {
	return steering(g, &cobra.Command{Use: "resume JOB", Short: "Go on with a paused job", Args: cobra.ExactArgs(1)},
		func(cmd *cobra.Command, share *sharefs.FS, j pipeline.JobStatus, _ []string) error {
			if err := pipeline.Withdraw(share, j.ID, pipeline.ControlPause, pipeline.ControlPauseNow); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s goes on\n", j.Name)
			return nil
		})
}

func newCancel(g *global) *cobra.Command {
	return steering(g, &cobra.Command{
		Use: "cancel JOB", Short: "End a job without an output",
		Long: "Ends a job. Its source goes to failed/, where nothing is lost; its chunks are removed.",
		Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, share *sharefs.FS, j pipeline.JobStatus, _ []string) error {
		if err := ended(j); err != nil {
			return err
		}
		who := "somebody"
		if u, err := user.Current(); err == nil {
			who = u.Username
		}
		// The decision itself, not a wish: the first one holds, and a master carries it out.
		d, err := pipeline.Decide(share, j.ID, pipeline.Decision{Act: "cancelled", Reason: "Cancelled by " + who + ".", By: pipeline.NewNode("c")})
		if err != nil {
			return err
		}
		if d.Act != "cancelled" {
			return fmt.Errorf("too late: job %s is decided already (%s)", j.ID, d.Act)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s is cancelled; a master puts its source into %s\n", j.Name, share.Path(pipeline.FailedDir))
		return nil
	})
}

func newRetry(g *global) *cobra.Command {
	return steering(g, &cobra.Command{
		Use: "retry JOB", Short: "Try a failed job again",
		Long: `Frees the chunks of a job that were set aside; what is encoded already is kept. A job that was
rejected as a whole starts anew: its source goes back to the inbox.`,
		Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, share *sharefs.FS, j pipeline.JobStatus, _ []string) error {
		switch {
		case j.State == pipeline.Done:
			return fmt.Errorf("job %s (%s) is done; `distenc add --again` encodes its source once more", j.ID, j.Name)
		case j.Decided:
			return backToInbox(cmd, share, j)
		case j.Chunks.Failed == 0:
			return fmt.Errorf("job %s (%s) has no chunk that was set aside", j.ID, j.Name)
		}
		if err := pipeline.Ask(share, j.ID, pipeline.ControlRetry, ""); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s is tried again\n", j.Name)
		return nil
	})
}

// backToInbox moves the source of a job that has failed or was cancelled to the inbox.
func backToInbox(cmd *cobra.Command, share *sharefs.FS, j pipeline.JobStatus) error {
	job, err := pipeline.LoadJob(share, j.ID)
	if err != nil {
		return err
	}
	closed, err := pipeline.LoadClosed(share, j.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is just being put away; try again in a moment (a master must be running)", j.Name)
	}
	if err != nil || closed.Source == "" {
		return errors.Join(fmt.Errorf("the source of %s is not where it was put; look for it in %s", j.Name, share.Path(pipeline.FailedDir)), err)
	}
	name, err := freeName(share, job.Name())
	if err != nil {
		return err
	}
	ctx := context.WithoutCancel(cmd.Context())
	settings := config.SidecarSuffix // of its own, if it had any: first, so that no master sees the file without
	if _, err := share.Move(ctx, string(closed.Source)+settings, name+settings); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := share.Move(ctx, string(closed.Source), name); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is back in the inbox: %s\n", j.Name, share.Path(path.Clean(name)))
	return nil
}

func newPriority(g *global) *cobra.Command {
	return steering(g, &cobra.Command{
		Use: "priority JOB N", Short: "Let a job go before or after others", Args: cobra.ExactArgs(2),
		Long: "Jobs with a higher number go first; a job has 0 unless it was added with another one. Chunks that run are finished. For a negative number write -- before JOB.",
	}, func(cmd *cobra.Command, share *sharefs.FS, j pipeline.JobStatus, args []string) error {
		if err := ended(j); err != nil {
			return err
		}
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return usage(fmt.Errorf("%q is no whole number", args[0]))
		}
		if err := pipeline.Ask(share, j.ID, pipeline.ControlPriority, strconv.Itoa(n)+"\n"); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s has priority %d\n", j.Name, n)
		return nil
	})
}
