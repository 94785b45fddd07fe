package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
)

// statusOptions is how status is to be shown.
type statusOptions struct {
	job              string
	json, watch, all bool
	history          bool
}

func newStatus(g *global) *cobra.Command {
	var o statusOptions
	var from of
	cmd := &cobra.Command{
		Use:   "status [JOB]",
		Short: "Show jobs, chunks, frames, speed, and why something failed",
		Long: `Shows what is on the share; no master needs to run. JOB is an id, a CRC-32 or a part of a name, and is
shown with all that failed.

With --watch it is shown again and again: in place on a terminal, where q or Ctrl-C ends it, and as one
line for each change elsewhere.

With --history it shows what the share has encoded, also of jobs that are no longer listed: films, hours of film,
how much smaller they became, and how fast the nodes of each host were. Days and months are those of UTC.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.job = strings.Join(args, "")
			if o.json && o.watch {
				return usage(errors.New("--json and --watch exclude each other"))
			}
			if o.history && (o.job != "" || o.all) {
				return usage(errors.New("--history is about all jobs: neither JOB nor --all goes with it"))
			}
			reader, err := g.reader(cmd, from)
			if err != nil {
				return err
			}
			if o.watch {
				return watch(cmd.Context(), reader, cmd.OutOrStdout(), o.show)
			}
			s, err := reader.Read(cmd.Context())
			if err != nil {
				return err
			}
			return o.show(cmd.OutOrStdout(), s, styleOf(cmd.OutOrStdout()))
		},
	}
	from.flags(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON for programs")
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "go on showing it")
	cmd.Flags().BoolVar(&o.all, "all", false, "show every job that ever ended")
	cmd.Flags().BoolVar(&o.history, "history", false, "show what was encoded this month, in 30 days, and in all")
	return cmd
}

// show writes the state, or what is to be known of one job.
func (o statusOptions) show(w io.Writer, s *status.Status, style view.TerminalStyle) (err error) {
	if o.job != "" {
		if s, err = o.only(s); err != nil {
			return err
		}
	}
	switch {
	case o.json && o.history:
		return printJSON(w, s.History)
	case o.json:
		return printJSON(w, s)
	case o.history:
		view.History(w, s.History, style)
		return nil
	case o.job == "":
		view.Table(w, s, style, o.all)
		return nil
	}
	for _, j := range s.Jobs {
		view.Job(w, j, style)
	}
	view.Files(w, s, style)
	return nil
}

// only returns the state with nothing in it but what a person means by a word.
func (o statusOptions) only(s *status.Status) (*status.Status, error) {
	one := *s
	one.History = nil
	one.Jobs = steer.Meant(s.Jobs, o.job, func(j pipeline.JobStatus) []string { return []string{j.Name, j.ID, j.CRC32} })
	one.Inbox = steer.Meant(s.Inbox, o.job, func(f status.Waiting) []string {
		return []string{f.Name, pipeline.Inbox + "/" + f.Name}
	})
	one.Rejected = steer.Meant(s.Rejected, o.job, func(r status.Rejected) []string {
		return []string{r.Name, pipeline.FailedDir + "/" + r.Name}
	})
	if len(one.Jobs)+len(one.Inbox)+len(one.Rejected) == 0 {
		return nil, fmt.Errorf("there is no job %q, and no such file in the inbox: "+
			"`distenc status --all` lists what there is", o.job)
	}
	return &one, nil
}

// printJSON writes a document for programs.
func printJSON(w io.Writer, document any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(document)
}

// styleOf finds out what the other end of w can show. https://no-color.org
func styleOf(w io.Writer) view.TerminalStyle {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return view.TerminalStyle{}
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 80
	}
	return view.TerminalStyle{Width: width, Colour: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}
