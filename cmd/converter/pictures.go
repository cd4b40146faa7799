package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/core/asset/worker"
)

// picturesName is the command by which this program starts itself to render pictures.
const picturesName = "pictures-worker"

func (a *app) picturesCommand() *cobra.Command {
	var memory int64
	c := &cobra.Command{
		Use: picturesName, Short: "Render pictures that come over standard input", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := worker.Serve(c.Context(), a.stdin, a.stdout, memory); err != nil {
				return failed(err)
			}
			return nil
		},
	}
	c.Flags().Int64Var(&memory, "memory-mb", picturesMemory, "megabytes that one picture may take")
	return c
}

// picturesMemory is the megabytes for pixels where the config does not say.
const picturesMemory = 1024

// pictureWorkers are the processes that render the pictures of a run.
func pictureWorkers(c *config, log *slog.Logger) (*worker.Pool, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, failed(fmt.Errorf("find this program: %w", err))
	}
	command := []string{self, picturesName, "--memory-mb", strconv.FormatInt(c.picturesMemory(), 10)}
	return worker.New(worker.Config{Command: command, Log: log.With("stage", "assets")}), nil
}

// picturesMemory is the megabytes that pictures may take.
func (c *config) picturesMemory() int64 { return cmp.Or(c.Assets.MemoryMB, picturesMemory) }

// renderer names what renders pictures: this very program, and the memory it may take.
func renderer(c *config) string {
	program, err := own()
	if err != nil {
		program = version
	}
	return fmt.Sprintf("%s %d", program, c.picturesMemory())
}
