package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/try"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/sample"
)

// usualSeconds are spent on a sample where nobody says how many.
const usualSeconds = 90

// tryOptions is what a person wants to be shown before a film is encoded.
type tryOptions struct {
	asked

	profiles []string
	page     string // "": a name of its own in the working directory
	json     bool
	seconds  int // to be spent on the sample
}

func newTry(g *global) *cobra.Command {
	var o tryOptions
	cmd := &cobra.Command{
		Use:   "try FILE [--profile A --profile B ...] [flags] [-- OPTIONS]",
		Short: "Show what profiles would make of a film: size, time, pictures",
		Long: `Encodes some seconds from all over the film with each profile, and estimates from them how large the output
will be, sound and subtitles included, how long this machine would take, and how near the pictures are to the source's.
If the whole film can be encoded in that time, it is, and nothing is estimated. With --share, try uses the share's
profiles and estimates the time on its nodes too.

A page, one file that every browser shows, has the worst pictures beside the source's. Nothing else is left behind, and
nothing is put into the inbox.

` + aboutOptions,
		Example: `  distenc try film.mkv --profile archive --profile tablet
  distenc try film.mkv --encoder x265 --seconds 300 -- --preset slow --crf 22`,
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := o.takeOptions(cmd, args)
			if err == nil {
				err = o.sane(cmd, files)
			}
			if err != nil {
				return err
			}
			cfg, _, err := g.load(cmd, ownNice(cmd)...)
			if err != nil {
				return err
			}
			return g.stop.oneShot(o.run(cmd, cfg, files[0]))
		},
	}
	o.settingsFlags(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&o.profiles, "profile", nil, "try the settings of `PROFILE`; may be given several times")
	flags.StringVar(&o.page, "page", "", "the page's `FILE` (default FILE.try.html in the working directory)")
	flags.BoolVar(&o.json, "json", false, "print the figures for programs")
	flags.IntVar(&o.seconds, "seconds", usualSeconds, "how many `SECONDS` to spend on encoding, about")
	addNice(cmd)
	addSlots(cmd)
	return cmd
}

// sane refuses what can't be meant.
func (o *tryOptions) sane(cmd *cobra.Command, files []string) error {
	if len(files) > 1 {
		return usage(fmt.Errorf("%q is too much: %s", files[1], cmd.UseLine()))
	}
	if o.seconds < 1 {
		return usage(fmt.Errorf("--seconds must be at least 1, is %d", o.seconds))
	}
	return nil
}

// run samples the film, writes the page and prints the table.
func (o *tryOptions) run(cmd *cobra.Command, cfg config.Config, file string) error {
	path, err := realPath("try", file)
	if err != nil {
		return err
	}
	t := tried{options: o, cfg: cfg}
	if t.tools, err = media.Find(quietLog(cmd, cfg)); err != nil {
		return err
	}
	t.tools.Facts = facts()
	settings, err := o.settings(cfg, file)
	if err != nil {
		return err
	}
	if cfg.Share != "" {
		if t.share, err = openShare(cfg); err != nil {
			return err
		}
	}
	source, err := identify(path)
	if err != nil {
		return err
	}
	if t.page, err = newPage(o.page, filepath.Base(file)); err != nil {
		return err
	}
	if t.folder, err = newWorkFolder(t.page.dir, source); err != nil {
		return fmt.Errorf("cannot make a working folder beside the page: %w", err)
	}
	return errors.Join(t.show(cmd, settings), t.folder.remove())
}

// settings are those of each profile, as an encode would have them.
func (o *tryOptions) settings(cfg config.Config, file string) (all []pipeline.Settings, err error) {
	f := &farm{live: holding(cfg)}
	profiles := o.profiles
	if len(profiles) == 0 {
		profiles = []string{""}
	}
	for _, profile := range profiles {
		wish := o.asked
		wish.Profile = profile
		if err := wish.check(cfg); err != nil {
			return nil, err
		}
		sidecar, err := sidecars{}.Amend(file, nil, wish.Wishes)
		if err != nil {
			return nil, err
		}
		order, err := f.resolve("", file, sidecar)
		if err != nil {
			return nil, err
		}
		all = append(all, order.Settings)
	}
	return all, nil
}

// tried is a film that is tried, and with what.
type tried struct {
	options *tryOptions
	cfg     config.Config
	tools   media.Tools
	share   *sharefs.FS // whose nodes are asked for their time; nil: none
	page    page
	folder  *workFolder
}

// show takes the sample and shows what came of it.
func (t *tried) show(cmd *cobra.Command, settings []pipeline.Settings) error {
	slots, threads := divide(t.cfg.Worker.Slots, media.Cores())
	source := t.folder.source.Path
	line := newStatusLine(cmd.ErrOrStderr())
	s, err := sample.Take(cmd.Context(), t.tools, sample.Request{
		Path: source, Dir: t.folder.share.Root(), Settings: settings,
		Time: time.Duration(t.options.seconds) * time.Second, Slots: slots, Threads: threads, Nice: t.cfg.Worker.Nice,
		Progress: line.show,
	})
	line.close()
	if refused, ok := errors.AsType[*pipeline.Refusal](err); ok {
		return fmt.Errorf("%w: %q: %s", errJobFailed, source, refused.Reason)
	} else if err != nil {
		return err
	}
	report := try.NewReport(source, s, slots)
	if t.share != nil {
		report.AskFarm(s, pipeline.Crew(t.share))
	}
	if report.Empty() {
		return report.Failed(errJobFailed)
	}
	html, err := try.Page(report)
	if err != nil {
		return err
	}
	written, err := t.page.write(t.folder, html)
	if err != nil {
		return err
	}
	report.Page = pipeline.RawName(written)
	if !t.options.json {
		try.Table(cmd.OutOrStdout(), report)
	} else if err := json.NewEncoder(cmd.OutOrStdout()).Encode(report); err != nil {
		return err
	}
	return report.Failed(errJobFailed)
}
