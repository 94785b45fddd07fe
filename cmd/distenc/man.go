package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan is what `make install` and the packages make their man pages with, of what the commands say of
// themselves.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the man pages into a folder",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.DisableAutoGenTag = true // it would hold the day, and make every build another one
			header := &doc.GenManHeader{Section: "1", Source: "distenc " + version(), Manual: "distenc"}
			return doc.GenManTree(root, header, args[0])
		},
	}
}
