package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
)

// addWishes adds what `add` and `encode` let a person wish for a film.
func addWishes(cmd *cobra.Command, w *steer.Wishes) {
	cmd.SetFlagErrorFunc(dashes)
	cmd.Flags().StringVar(&w.Profile, "profile", "", "encode with the settings of `PROFILE`")
}

// takeOptions takes the x264 options behind "--" off the arguments, and checks them.
func takeOptions(cmd *cobra.Command, args []string, w *steer.Wishes) ([]string, error) {
	if at := cmd.ArgsLenAtDash(); at >= 0 {
		w.X264 = quoteWords(args[at:])
		args = args[:at]
	}
	if len(args) == 0 {
		return nil, usage(errors.New("no file given"))
	}
	if w.X264 != "" {
		if _, err := encoder.Default().Parse(w.X264); err != nil {
			return nil, usage(err)
		}
	}
	return args, nil
}

// checkProfile refuses a profile that does not exist; "" is none.
func checkProfile(cfg config.Config, name string) error {
	if _, ok := cfg.Profile(name); name != "" && !ok {
		return usage(fmt.Errorf("there is no profile %q; there are %s; a new one is a section [profiles.%s] in %s",
			name, strings.Join(cfg.ProfileNames(), ", "), name, config.ShareFile))
	}
	return nil
}

// quoteWords joins words to one line that an encoder's Parse takes apart again.
func quoteWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if w == "" || strings.ContainsAny(w, " \t\n'\"\\") {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

func newAdd(g *global) *cobra.Command {
	var w steer.Wishes
	var priority int
	var wait bool
	cmd := &cobra.Command{
		Use:   "add FILE... [flags] [-- X264 OPTIONS]",
		Short: "Put files into the inbox, whole and with settings of their own",
		Long: `Copies each file into the inbox under a hidden name and renames it, so that no master can take it before
it is whole and none waits for it to settle. Settings apply to these files alone. A file that lies in the inbox
already stays there, and counts as whole from now on.`,
		Example: `  distenc add "Show - 01 [ABCDEFAB].mkv" --wait
  distenc add film.mkv --profile tablet -- --preset veryfast --crf 21`,
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := takeOptions(cmd, args, &w)
			if err != nil {
				return err
			}
			cfg, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			share, err := openShare(cfg)
			if err != nil {
				return err
			}
			if err := checkProfile(cfg, w.Profile); err != nil {
				return err
			}
			if priority != 0 {
				w.Priority = &priority
			}
			return g.stop.oneShot(add(cmd, share, w, files, wait, cfg.Disk.MinFree))
		},
	}
	addWishes(cmd, &w)
	cmd.Flags().IntVar(&priority, "priority", 0, "jobs with a higher `number` go first")
	cmd.Flags().BoolVar(&w.Again, "again", false,
		"encode even if the same content was encoded with the same settings before")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the outputs are published; exit code 3 if a job failed")
	return cmd
}

func add(cmd *cobra.Command, share *sharefs.FS, w steer.Wishes, files []string, wait bool, minFree int64) error {
	var added []steer.Submission
	for _, file := range files {
		s, err := deskOf(share).Submit(cmd.Context(), file, w)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "added %s\n", shown(share.Path(s.Name)))
		added = append(added, s)
	}
	if !wait {
		if missing := whatIsMissing(cmd.Context(), status.NewReader(share, wishes, minFree)); missing != "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "distenc: %s\n", missing)
		}
		return nil
	}
	return waitForAll(cmd, share, added, minFree)
}

// startTime is how long a master may take from its start until it is seen to lead.
const startTime = 3 * time.Second

// whatIsMissing says why nothing will happen, "" where something will. It waits for a master that has just been
// started.
func whatIsMissing(ctx context.Context, r *status.Reader) string {
	for began := time.Now(); ; {
		s, err := r.Read(ctx)
		if err != nil {
			return ""
		}
		if missing := view.Missing(s); s.Master != nil || missing == "" || time.Since(began) > startTime {
			return missing
		}
		time.Sleep(startTime / 10)
	}
}

// waitForAll waits until the jobs of what was added have ended.
func waitForAll(cmd *cobra.Command, share *sharefs.FS, added []steer.Submission, minFree int64) error {
	var failed error
	began := time.Now()
	for _, s := range added {
		p := newProgress(cmd.ErrOrStderr())
		p.missing, p.began = true, began
		st, err := wait(cmd.Context(), deskOf(share), s, status.NewReader(share, wishes, minFree), p, nil)
		if err != nil {
			if cmd.Context().Err() != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "not waiting any longer: what was added stays, and the farm goes on with it; "+
					"`distenc status` shows it, `distenc cancel` ends it")
			}
			return err
		}
		if st.State != pipeline.Done {
			failed = errJobFailed
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s: %s\n", st.Name, st.State, st.Error)
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s\n", share.Path(st.Output))
	}
	return failed
}
