package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/trial"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/sample"
)

// usualSeconds are spent on a sample where nobody says how many.
const usualSeconds = 90

// attempt is what a person wants to be shown before a film is encoded.
type attempt struct {
	asked

	profiles []string
	page     string // "": a name of its own in the working directory
	json     bool
	seconds  int // to be spent on the sample
}

func newTry(g *global) *cobra.Command {
	var a attempt
	cmd := &cobra.Command{
		Use:   "try FILE [--profile A --profile B ...] [flags] [-- OPTIONS]",
		Short: "Show what profiles would make of a film: size, time, pictures",
		Long: `Encodes some seconds from all over the film with each profile, and estimates from them how large the output
will be, sound and subtitles included, how long this machine would take, and how near the pictures are to the source's.
A film that can be encoded whole in that time is; then nothing is estimated. With --share it has the share's
profiles, and tells how long the nodes that are there would take.

A page, one file that every browser shows, has the worst pictures beside the source's. Nothing else is left behind, and
nothing is put into the inbox.

` + aboutOptions,
		Example: `  distenc try film.mkv --profile archive --profile tablet
  distenc try film.mkv --encoder x265 --seconds 300 -- --preset slow --crf 22`,
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := a.takeOptions(cmd, args)
			if err == nil {
				err = a.sane(cmd, files)
			}
			if err != nil {
				return err
			}
			cfg, _, err := g.load(cmd, ownNice(cmd)...)
			if err != nil {
				return err
			}
			return g.stop.oneShot(a.run(cmd, cfg, files[0]))
		},
	}
	a.settingsFlags(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&a.profiles, "profile", nil, "try the settings of `PROFILE`; may be given several times")
	flags.StringVar(&a.page, "page", "", "the page's `FILE` (default FILE.try.html in the working directory)")
	flags.BoolVar(&a.json, "json", false, "print the figures for programs")
	flags.IntVar(&a.seconds, "seconds", usualSeconds, "how many `SECONDS` to spend on encoding, about")
	addNice(cmd)
	addSlots(cmd)
	return cmd
}

// sane refuses what can't be meant.
func (a *attempt) sane(cmd *cobra.Command, files []string) error {
	if len(files) > 1 {
		return usage(fmt.Errorf("%q is too much: %s", files[1], cmd.UseLine()))
	}
	if a.seconds < 1 {
		return usage(fmt.Errorf("--seconds is 1 at least, and not %d", a.seconds))
	}
	return nil
}

// run samples the film, writes the page and prints the table.
func (a *attempt) run(cmd *cobra.Command, cfg config.Config, file string) error {
	path, err := realPath("try", file)
	if err != nil {
		return err
	}
	tools, err := media.Find(quietLog(cmd, cfg))
	if err != nil {
		return err
	}
	settings, err := a.settings(cfg, file)
	if err != nil {
		return err
	}
	var share *sharefs.FS
	if cfg.Share != "" {
		if share, err = openShare(cfg); err != nil {
			return err
		}
	}
	source, err := identify(path)
	if err != nil {
		return err
	}
	page, err := newPage(a.page, filepath.Base(file))
	if err != nil {
		return err
	}
	folder, err := newWorkFolder(page.dir, source)
	if err != nil {
		return fmt.Errorf("cannot make a working folder beside the page: %w", err)
	}
	err = a.show(cmd, tools, cfg, share, folder, page, settings)
	return errors.Join(err, folder.remove())
}

// settings are those of each profile, as an encode would have them.
func (a *attempt) settings(cfg config.Config, file string) (all []pipeline.Settings, err error) {
	f := &farm{live: holding(cfg)}
	profiles := a.profiles
	if len(profiles) == 0 {
		profiles = []string{""}
	}
	for _, a.Profile = range profiles {
		if err := a.check(cfg); err != nil {
			return nil, err
		}
		sidecar, err := sidecars{}.Amend(file, nil, a.Wishes)
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

// show takes the sample and shows what came of it.
func (a *attempt) show(cmd *cobra.Command, tools media.Tools, cfg config.Config, share *sharefs.FS, folder *workFolder,
	page page, settings []pipeline.Settings) error {
	slots, threads := divide(cfg.Worker.Slots, runtime.NumCPU())
	line := newStatusLine(cmd.ErrOrStderr())
	s, err := sample.Take(cmd.Context(), tools, sample.Request{
		Path: folder.source.Path, Dir: folder.share.Root(), Settings: settings,
		Time: time.Duration(a.seconds) * time.Second, Slots: slots, Threads: threads, Nice: cfg.Worker.Nice,
		Progress: line.show,
	})
	line.close()
	if refused := (*pipeline.Refusal)(nil); errors.As(err, &refused) {
		return fmt.Errorf("%w: %q: %s", errJobFailed, folder.source.Path, refused.Reason)
	} else if err != nil {
		return err
	}
	report := trial.NewReport(folder.source.Path, s, slots)
	if share != nil {
		report.AskFarm(s, pipeline.Crew(share))
	}
	if report.Empty() {
		return report.Failed(errJobFailed)
	}
	html, err := trial.Page(report)
	if err != nil {
		return err
	}
	written, err := page.write(folder, html)
	if err != nil {
		return err
	}
	report.Page = pipeline.RawName(written)
	if !a.json {
		trial.Table(cmd.OutOrStdout(), report)
	} else if err := json.NewEncoder(cmd.OutOrStdout()).Encode(report); err != nil {
		return err
	}
	return report.Failed(errJobFailed)
}
