package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
)

const defaultConfig = "converter.yaml"

func (a *app) validateCommand() *cobra.Command {
	var path string
	var dirs []string
	c := &cobra.Command{
		Use:   "validate",
		Short: "Check a config file and the options of its plugins, without reading or writing anything",
		Args:  cobra.NoArgs,
		RunE: a.stoppable(func(cmd *cobra.Command, _ []string) (err error) {
			conf, err := a.config(path)
			if err != nil {
				return err
			}
			conf.plugins = dirs
			state, err := os.MkdirTemp("", "converter-")
			if err != nil {
				return failed(err)
			}
			defer func() { err = errors.Join(err, os.RemoveAll(state)) }()
			s := newSources(len(conf.Sources))
			if err := conf.start(cmd.Context(), s, slog.New(slog.DiscardHandler), state); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			if err := errors.Join(s.faults...); err != nil {
				return failed(err)
			}
			fmt.Fprintf(a.stdout, "%s is right: %s, %s\n", path, plural(len(conf.Sources), "source"), plural(len(conf.Outputs), "output"))
			return nil
		}),
	}
	configFlag(c, &path)
	pluginDirFlag(c, &dirs)
	return c
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of config files, for editors",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			schema, err := configSchema()
			if err != nil {
				return failed(err)
			}
			fmt.Fprintln(a.stdout, string(schema))
			return nil
		},
	}
}

func configFlag(c *cobra.Command, path *string) {
	c.Flags().StringVarP(path, "config", "c", defaultConfig, "config file")
}

// pluginDirFlag is for folders to look for plugins in before all others.
func pluginDirFlag(c *cobra.Command, dirs *[]string) {
	c.Flags().StringArrayVar(dirs, "plugin-dir", nil, "folder to look for plugins in first; may be given several times")
}

// config loads a config file; its mistakes are usage errors.
func (a *app) config(path string) (*config, error) {
	conf, err := loadConfig(path, a.env)
	if wrong, ok := errors.AsType[*configError](err); ok {
		return nil, &exitError{code: exitUsage, err: wrong}
	}
	return conf, err
}
