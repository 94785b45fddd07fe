package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/control"
	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
)

func newNodes(g *global) *cobra.Command {
	var here bool
	var from of
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "Show who helps, how fast, and why a node rests",
		Long: `Shows who helps, how fast, and why a node rests.

With --here it shows the masters and workers of this host alone, those that stand by too, by the heartbeats that lie on
the share, and ends with 1 if none of them was heard of lately: a health check for containers and monitors.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if here && from.address != "" {
				return usage(errors.New("--here and --of exclude each other"))
			}
			if here {
				return g.nodesHere(cmd)
			}
			reader, err := g.reader(cmd, from)
			if err != nil {
				return err
			}
			s, err := reader.Read(cmd.Context())
			if err == nil {
				view.Nodes(cmd.OutOrStdout(), s, styleOf(cmd.OutOrStdout()))
			}
			return err
		},
	}
	from.flags(cmd)
	cmd.Flags().BoolVar(&here, "here", false, "only this host's masters and workers; end with 1 if none is alive")
	cmd.AddCommand(newRest(g), newWake(g))
	return cmd
}

func newRest(g *global) *cobra.Command {
	var now bool
	cmd := steering(g, &cobra.Command{
		Use: "rest NODE", Short: "Let a machine claim nothing more", Args: takes("NODE"),
		Long: `Lets all workers of a machine claim nothing more, until "distenc nodes wake"; also those that start there
later. NODE is a node's or a host's name, or a part of the host's. What is encoded there is finished; with --now it is
handed back.`,
	}, func([]string) (verb, error) {
		return verb{control.Nodes, "rest", map[string]any{"now": now},
			func(desk steer.Desk, ctx context.Context, word string) (steer.Outcome, error) {
				desk.By += " on " + pipeline.Host() // for those at the machine that rests
				return desk.Rest(ctx, word, now)
			}}, nil
	})
	cmd.Flags().BoolVar(&now, "now", false, "hand back what is encoded there, too")
	return cmd
}

func newWake(g *global) *cobra.Command {
	return steering(g, &cobra.Command{
		Use: "wake NODE", Short: "Let a machine claim again", Args: takes("NODE"),
		Long: `Takes "distenc nodes rest" back. Other reasons to rest, such as the machine's own hours, stay.`,
	}, just(control.Nodes, "wake", steer.Desk.Wake))
}

// nodesHere shows this host's daemons.
func (g *global) nodesHere(cmd *cobra.Command) error {
	_, _, share, err := g.open(cmd)
	if err != nil {
		return err
	}
	daemons, err := status.DaemonsOf(share, pipeline.Host())
	if err != nil {
		return err
	}
	return showDaemons(cmd.OutOrStdout(), daemons)
}

// showDaemons writes a line for each. The error says that none is alive.
func showDaemons(out io.Writer, all []status.Daemon) error {
	alive := false
	for _, d := range all {
		alive = alive || d.State != pipeline.NodeSilent
		if _, err := fmt.Fprintf(out, "%s %s, seen %v ago\n", view.Plain(d.Node), view.Plain(d.State),
			d.Seen.Round(time.Second)); err != nil {
			return err
		}
	}
	if !alive {
		return fmt.Errorf("no master or worker of the host %q was heard of lately: it has just begun or ended, "+
			"can't reach the share, or its clock is wrong", pipeline.Host())
	}
	return nil
}
