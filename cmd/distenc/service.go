package main

import (
	"github.com/spf13/cobra"
)

// newService is a command everywhere, so that it can say what takes its place where it does nothing.
func newService(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "service",
		Short: "Run the worker as a service of Windows",
		Long: `Installs the worker of this machine as a service, which begins with Windows and is started again when it
fails; "Stop" hands its chunks back. Run it as an administrator. The service's log is distenc.log beside the
machine's configuration, which has to name the share as a service sees it: share = '\\server\folder'.

Elsewhere it says what to use instead.`,
		Args: cobra.NoArgs,
		RunE: noCommand,
	}
	var user string
	install := &cobra.Command{
		Use:   "install",
		Short: "Install the service and start it",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return g.installService(cmd, user) },
	}
	install.Flags().StringVar(&user, "user", "",
		"run it as `NAME`, such as .\\anna or DOMAIN\\anna, whose password is asked for (default: the system itself)")
	uninstall := &cobra.Command{
		Use:   "uninstall",
		Short: "Stop the service and remove it",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return uninstallService(cmd.OutOrStdout()) },
	}
	cmd.AddCommand(install, uninstall)
	return cmd
}
