package main

import (
	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/sdk"
)

// pluginCommand holds `plugin serve NAME`, by which this program starts itself as one of its built-in plugins.
func (a *app) pluginCommand() *cobra.Command {
	c := &cobra.Command{Use: "plugin", Short: "Work with plugins", Hidden: true}
	c.AddCommand(&cobra.Command{
		Use:   "serve NAME",
		Short: "Serve a built-in plugin; started by converter itself",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			plugin, ok := builtIn()[args[0]]
			if !ok {
				return usage("there is no built-in plugin %q; there is: %v", args[0], builtInNames())
			}
			sdk.Serve(plugin())
			return nil
		},
	})
	return c
}
