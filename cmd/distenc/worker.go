package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/pipeline/media"
)

func newWorker(g *global) *cobra.Command {
	var maxChunks int
	var untilIdle bool
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Claim and encode chunks",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if maxChunks < 0 {
				return usage(fmt.Errorf("--max-chunks must be at least 0, is %d", maxChunks))
			}
			return g.daemon(cmd, media.FindEncoding, untilIdle, func(f *farm) (work, error) {
				w, err := f.worker(cmd.Context(), maxChunks, untilIdle)
				if err != nil {
					return nil, err
				}
				return w.Run, nil
			})
		},
	}
	addSlots(cmd)
	cmd.Flags().IntVar(&maxChunks, "max-chunks", 0, "end after `N` chunks (0: no limit)")
	cmd.Flags().BoolVar(&untilIdle, "until-idle", false,
		"end when nothing is left to claim, and no film waits in the inbox")
	return cmd
}

// addSlots adds the flag of the commands that encode.
func addSlots(cmd *cobra.Command) {
	cmd.Flags().Int("slots", 0, "parallel encodes on this machine (0: choose from the cores)")
	sets(cmd.Flags(), "slots", "worker.slots")
}
