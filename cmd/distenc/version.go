package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/pipeline/media"
)

// maxVersion bounds what a tool prints of itself, in bytes: ffmpeg tells its whole configuration.
const maxVersion = 64 << 10

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of distenc and of the tools it finds",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s\n%s\n", buildLine(),
				toolLine(cmd.Context(), "ffmpeg", "-version"), toolLine(cmd.Context(), "mkvmerge", "--version"))
			return err
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

// toolLine is the first line that a tool says of itself, or that it is not there.
func toolLine(ctx context.Context, name, flag string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return name + ": not found"
	}
	said, err := media.Tools{}.Output(ctx, maxVersion, path, flag)
	if err != nil {
		return fmt.Sprintf("%s: %v", path, err)
	}
	line, _, _ := strings.Cut(string(said), "\n")
	return path + ": " + line
}
