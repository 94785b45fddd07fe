package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
)

func newVerify(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "verify SOURCE OUTPUT",
		Short: "Compare an output with its source: frames, timestamps, all other tracks",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, log, err := g.load(cmd)
			if err != nil {
				return err
			}
			tools, err := media.Find(log)
			if err != nil {
				return err
			}
			paths := [2]string{}
			for i, a := range args {
				if _, err := os.Stat(a); err != nil {
					return cannot("verify", a, err)
				}
				if paths[i], err = filepath.Abs(a); err != nil {
					return err
				}
			}
			report, err := merge.Verify(cmd.Context(), tools, paths[0], paths[1], nil)
			if err != nil {
				return g.stop.oneShot(err)
			}
			fmt.Fprint(cmd.OutOrStdout(), report.Text())
			if !report.OK() {
				return errors.New("the output does not hold what its source promises")
			}
			return nil
		},
	}
}
