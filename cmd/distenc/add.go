package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
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

// asked is what `add`, `encode` and `try` let a person wish for a film.
type asked struct {
	steer.Wishes

	encoder string         // "": the profile's
	options string         // of that encoder's own command
	single  config.Choices // what flags say of single keys, in place of the profile's
}

// aboutOptions is the help of what stands behind "--".
const aboutOptions = `What follows -- are options of the encoder's own command line: of the one that --encoder
names, else of the profile's. Those of its profile do not count then.`

func (a *asked) flags(cmd *cobra.Command) {
	a.settingsFlags(cmd)
	cmd.Flags().StringVar(&a.Profile, "profile", "", "encode with the settings of `PROFILE`")
	a.key(cmd, "size", "give the film this `SIZE`: \"4.3GB\", \"60%\" of its source's, or \"2500k\" for its video")
	a.key(cmd, "name", "call the output by this `FORM`, such as \"{stem} [{codec} {height}p]\"")
	a.key(cmd, "dates", "keep: the output has its source's date; new: that of its own making (`WORD`)")
}

// key makes a flag for a key that profiles have.
func (a *asked) key(cmd *cobra.Command, name, usage string) {
	cmd.Flags().Func(name, usage, func(text string) error {
		if a.single == nil {
			a.single = config.Choices{}
		}
		a.single[name] = text
		return nil
	})
}

// settingsFlags are those of single settings, over a profile's, that a film can be tried with as well.
func (a *asked) settingsFlags(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(withDashes)
	cmd.Flags().StringVar(&a.encoder, "encoder", "",
		"encode with the encoder `NAME` instead of the profile's: "+strings.Join(encoder.Names(), ", "))
	a.key(cmd, "quality",
		"have every chunk encoded with the CRF that gives it this `SCORE`: \"vmaf 95\", \"ssim 0.985\" or \"xpsnr 42\"")
}

// takeOptions takes the encoder's options behind "--" off the arguments.
func (a *asked) takeOptions(cmd *cobra.Command, args []string) ([]string, error) {
	if at := cmd.ArgsLenAtDash(); at >= 0 {
		a.options = encoder.Join(args[at:])
		args = args[:at]
	}
	if len(args) == 0 {
		return nil, usage(errors.New("no file given"))
	}
	return args, nil
}

// check refuses a profile or an encoder that does not exist, and options that can't be used. Options without an encoder
// are for the profile's.
func (a *asked) check(cfg config.Config) error {
	profile, err := profileOf(cfg, cmp.Or(a.Profile, config.DefaultProfile))
	if err != nil {
		return err
	}
	chosen := config.Choices{}
	if a.encoder != "" || a.options != "" {
		e, err := encoder.Named(cmp.Or(a.encoder, profile.Encoder))
		if err == nil {
			_, err = e.Parse(a.options)
		}
		if err != nil {
			return usage(err)
		}
		chosen[e.Name()] = a.options
	}
	maps.Copy(chosen, a.single)
	if err := chosen.Check(); err != nil {
		return usage(err)
	}
	if len(chosen) > 0 {
		a.Settings = chosen
	}
	a.KeepDate = bool(chosen.Over(profile).Dates)
	return nil
}

// profileOf refuses a profile that does not exist.
func profileOf(cfg config.Config, name string) (pipeline.Settings, error) {
	if p, ok := cfg.Profile(name); ok {
		return p, nil
	}
	return pipeline.Settings{}, usage(fmt.Errorf("there is no profile %q; %s; a new one is a section [profiles.%s] in %s",
		name, pipeline.ThereAre(cfg.ProfileNames()), name, config.ShareFile))
}

func newAdd(g *global) *cobra.Command {
	var w asked
	var priority int
	var wait bool
	var to of
	cmd := &cobra.Command{
		Use:   "add FILE... [flags] [-- OPTIONS]",
		Short: "Put files into the inbox, whole and with settings of their own",
		Long: `Copies each file into the inbox under a hidden name and renames it, so that no master can take it before
it is whole and none waits for it to settle. Settings apply to these files alone. A file that lies in the inbox
already stays there, and counts as whole from now on.

With --to the films are sent to a master over the network, which no mount is needed for. What was cut off goes on by
itself, and when the same command is given again.

` + aboutOptions,
		Example: `  distenc add "Show - 01 [ABCDEFAB].mkv" --wait
  distenc add film.mkv --profile tablet -- --preset veryfast --crf 21
  distenc add film.mkv --encoder x265 -- --preset slow --crf 20 --output-depth 10
  distenc add film.mkv --to http://nas:8470 --token-file token.txt`,
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := w.takeOptions(cmd, args)
			if err != nil {
				return err
			}
			if priority != 0 {
				w.Priority = &priority
			}
			if to.address != "" {
				return g.stop.oneShot(send(cmd, to, w, files, wait))
			}
			cfg, _, share, err := g.open(cmd)
			if err != nil {
				return err
			}
			if err := w.check(cfg); err != nil {
				return err
			}
			return g.stop.oneShot(add(cmd, share, w.Wishes, files, wait, cfg.Disk.MinFree))
		},
	}
	w.flags(cmd)
	cmd.Flags().IntVar(&priority, "priority", 0, "jobs with a higher `number` go first")
	cmd.Flags().BoolVar(&w.Again, "again", false,
		"encode even if the same content was encoded with the same settings before")
	to.toFlags(cmd)
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
		if s.Undated != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "distenc: the output will not have this file's date: %v\n", s.Undated)
		}
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
		if !st.State.HasOutput() {
			failed = errJobFailed
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s: %s\n", st.Name, st.State, st.Error)
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s\n", share.Path(st.Output))
	}
	return failed
}
