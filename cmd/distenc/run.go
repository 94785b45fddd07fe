package main

import (
	"context"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/distenc/distenc/pipeline/media"
)

func newRun(g *global) *cobra.Command {
	var untilIdle bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Master and worker in one process",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := mayLead(); err != nil {
				return err
			}
			return g.daemon(cmd, media.Find, untilIdle, func(f *farm) (work, error) { return f.both(untilIdle), nil })
		},
	}
	addSlots(cmd)
	cmd.Flags().BoolVar(&untilIdle, "until-idle", false,
		"end when the inbox is empty and every job has ended; exit code 3 if one failed")
	return cmd
}

// both runs a master with a worker beside it that ends when the master does. The first one to fail ends the other too.
func (f *farm) both(untilIdle bool) work {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		w, err := f.worker(ctx, 0, false)
		if err != nil {
			return err
		}
		both, ctx := errgroup.WithContext(ctx)
		both.Go(func() error { return w.Run(ctx) })
		both.Go(func() error {
			defer cancel()
			return f.lead(ctx, w.Node, untilIdle)
		})
		return both.Wait()
	}
}
