package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newRun(g *global) *cobra.Command {
	var untilIdle bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Master and worker in one process",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.daemon(untilIdle, func() error {
				f, err := g.farm(cmd)
				if err != nil {
					return err
				}
				g.reloads(cmd, f)
				return g.serve(f.log, untilIdle, f.both(untilIdle))
			})
		},
	}
	addSlots(cmd)
	cmd.Flags().BoolVar(&untilIdle, "until-idle", false,
		"end when the inbox is empty and every job has ended; exit code 3 if one failed")
	return cmd
}

// both runs a master with a worker beside it that ends when the master does.
func (f *farm) both(untilIdle bool) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		w, err := f.worker(ctx, 0, false)
		if err != nil {
			return err
		}
		encoding := make(chan error, 1)
		go func() { encoding <- w.Run(ctx) }()
		led := make(chan error, 1)
		go func() { led <- f.lead(ctx, untilIdle) }()
		select {
		case err = <-led:
			cancel()
			if werr := <-encoding; err == nil {
				err = werr
			}
		case err = <-encoding: // it failed, or both are told to stop
			cancel()
			if merr := <-led; err == nil {
				err = merr
			}
		}
		return err
	}
}
