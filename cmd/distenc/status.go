package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

func newStatus(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status [JOB]",
		Short: "Show jobs, chunks, frames, speed, and why something failed",
		Long:  "Shows what is on the share; no master needs to run. JOB is an id, a CRC-32 or a part of a name.",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			share, err := openShare(cfg)
			if err != nil {
				return err
			}
			s, err := readStatus(share)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				if s.Jobs = only(s.Jobs, args[0]); len(s.Jobs) == 0 {
					return fmt.Errorf("there is no job %q", args[0])
				}
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(s)
			}
			return printStatus(cmd.OutOrStdout(), s)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON for programs")
	return cmd
}

// readStatus adds to the share's state who leads.
func readStatus(share *sharefs.FS) (*pipeline.Status, error) {
	s, err := pipeline.ReadStatus(share, nil)
	if err != nil {
		return nil, err
	}
	leaders, err := lease.Leaders(share, pipeline.MasterDir)
	if err != nil {
		return nil, err
	}
	if len(leaders) > 0 {
		s.Master = &pipeline.MasterInfo{Node: leaders[0].Node, Since: leaders[0].Since}
	}
	return s, nil
}

// only returns the jobs that a person means by a word: an id or CRC-32 first, else a part of the name.
func only(jobs []pipeline.JobStatus, word string) []pipeline.JobStatus {
	var exact, like []pipeline.JobStatus
	for _, j := range jobs {
		switch {
		case j.ID == word || strings.EqualFold(j.CRC32, word) || j.Name == word:
			exact = append(exact, j)
		case strings.Contains(strings.ToLower(j.Name), strings.ToLower(word)):
			like = append(like, j)
		}
	}
	if exact != nil {
		return exact
	}
	return like
}

// printStatus prints the state for people.
func printStatus(w io.Writer, s *pipeline.Status) error {
	master := "none was seen"
	if s.Master != nil {
		master = s.Master.Node + " since " + s.Master.Since.Local().Format("2006-01-02 15:04")
	}
	fmt.Fprintf(w, "share   %s\nmaster  %s\n\n", s.Share, master)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "JOB\tSTATE\tCHUNKS\tFRAMES\tFPS\tLEFT\tNAME")
	for _, j := range s.Jobs {
		left := "-"
		if j.ETA > 0 {
			left = (time.Duration(j.ETA) * time.Second).String()
		}
		fmt.Fprintf(t, "%s\t%s\t%d/%d\t%d/%d\t%.1f\t%s\t%s\n", j.ID, j.State, j.Chunks.Done, j.Chunks.Total, j.Frames.Done, j.Frames.Total, j.FPS, left, j.Name)
		if j.Error != "" {
			fmt.Fprintf(t, "\t\t\t\t\t\t  %s\n", j.Error)
		}
		if j.Output != "" {
			fmt.Fprintf(t, "\t\t\t\t\t\t  -> %s\n", j.Output)
		}
	}
	fmt.Fprintln(t, "\nNODE\tSTATE\tSLOTS\tFPS\tSEEN\tCHUNKS")
	for _, n := range s.Nodes {
		fmt.Fprintf(t, "%s\t%s\t%d\t%.1f\t%ds ago\t%s\n", n.Node, n.State, n.Slots, n.FPS, n.Seen, strings.Join(append(n.Chunks, n.Why), " "))
	}
	return t.Flush()
}
