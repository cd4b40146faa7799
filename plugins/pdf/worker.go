package pdf

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/seed-98789ff7/converter/plugins/pdf/extract"
)

// WorkerCommand is the argument with which the plugin starts its own program again to read pages. A program that serves this
// source calls [Work] when it is its first argument.
const WorkerCommand = "pdf-worker"

// Work reads pages for a plugin at the other end of in and out until in ends.
func Work(ctx context.Context, in io.Reader, out io.Writer) error { return extract.Work(ctx, in, out) }

// command is how a process that reads pages is started.
func (l *library) command() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return []string{self, WorkerCommand}, nil
}
