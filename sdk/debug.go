package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// serveDebug serves a source for whoever attaches, until the process is interrupted.
func serveDebug(s Source) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	level := &slog.HandlerOptions{Level: slog.LevelDebug}
	return debugUntil(ctx, s, os.Stdout, slog.New(slog.NewTextHandler(os.Stderr, level)))
}

// debugUntil listens where nobody but this user can, and says where to out.
func debugUntil(ctx context.Context, s Source, out io.Writer, log *slog.Logger) (err error) {
	folder, err := os.MkdirTemp("", "converter-debug-")
	if err != nil {
		return fmt.Errorf("make the folder of the socket: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", filepath.Join(folder, "s"))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	line, err := reattachLine(s.Spec().Name, listener.Addr())
	if err == nil {
		_, err = io.WriteString(out, line) // who reads it may call at once: it is listened already
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return ServeListener(ctx, s, listener, log)
}

// reattachLine is what a shell takes, so that the next command finds the plugin.
func reattachLine(name string, at net.Addr) (string, error) {
	value, err := json.Marshal(map[string]sourcepb.Reattach{name: {
		Network: at.Network(), Addr: at.String(), Pid: os.Getpid(), Protocol: sourcepb.ProtocolVersion,
	}})
	if err != nil {
		return "", err
	}
	quoted := strings.ReplaceAll(string(value), `'`, `'\''`)
	return fmt.Sprintf("%s='%s'\n", sourcepb.ReattachKey, quoted), nil
}
