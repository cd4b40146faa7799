package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/sdk"
)

// pluginCommand holds what authors and users of plugins need, and `plugin serve NAME`, by which this program starts itself
// as one of its built-in plugins.
func (a *app) pluginCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "plugin", Short: "Work with plugins", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:    "serve NAME",
		Short:  "Serve a built-in plugin; started by converter itself",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			plugin, ok := builtIn()[args[0]]
			if !ok {
				return usage("there is no built-in plugin %q; there is: %v", args[0], builtInNames())
			}
			debug.SetGCPercent(garbage)
			sdk.Serve(plugin())
			return nil
		},
	})
	c.AddCommand(a.pluginListCommand(), a.pluginInfoCommand(), a.pluginLockCommand(), a.pluginInitCommand())
	c.AddCommand(a.pluginTestCommand())
	return c
}
