package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/pipeline/media"
)

func newMaster(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "master",
		Short: "Watch the inbox, split, verify, merge and publish",
		Long: `Watches the inbox, splits what people drop there, gives the chunks of dead workers to others, verifies
and merges the results and publishes them in the outbox.

Any number of masters may run; one works, the others stand by and take over when it is gone.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := mayLead(); err != nil {
				return err
			}
			return g.daemon(cmd, media.Find, false, func(f *farm) (work, error) {
				return func(ctx context.Context) error { return f.lead(ctx, "", false) }, nil
			})
		},
	}
}
