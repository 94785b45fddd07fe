package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/pipeline/media"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of distenc and of the tools it finds",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintln(cmd.OutOrStdout(), buildLine())
			for _, tool := range media.KnownTools() {
				fmt.Fprintln(cmd.OutOrStdout(), toolLine(cmd.Context(), tool))
			}
			return nil
		},
	}
}

// buildLine tells what the Go toolchain noted when it built this binary.
func buildLine() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "distenc (built without information about its version)"
	}
	words := []string{"distenc", info.Main.Version}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision", "vcs.time", "GOARCH", "GOOS":
			words = append(words, s.Value)
		case "vcs.modified":
			if s.Value == "true" {
				words = append(words, "(modified)")
			}
		}
	}
	return strings.Join(append(words, info.GoVersion), " ")
}

// version is the binary's own, in a word.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}

// toolLine is what a tool says of its version, or that it is not there.
func toolLine(ctx context.Context, tool media.Tool) string {
	path, err := tool.Locate()
	if err != nil {
		return tool.Name + ": not found"
	}
	var found media.Tools
	*tool.Path(&found) = path
	said, err := found.Version(ctx, tool)
	if err != nil {
		said = err.Error()
	}
	return path + ": " + said
}
