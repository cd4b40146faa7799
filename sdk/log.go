package sdk

import (
	"io"
	"log/slog"
	"strings"
	"time"
)

// newLogger returns a logger that writes the JSON lines hosts of go-plugin understand. The level is a word of the host,
// info by default.
func newLogger(w io.Writer, level string) *slog.Logger {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		least = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: least, ReplaceAttr: hclogKeys}))
}

// hclogKeys renames the keys of slog to those of hclog.
func hclogKeys(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		if t, ok := a.Value.Any().(time.Time); ok {
			return slog.String("@timestamp", t.Format("2006-01-02T15:04:05.000000Z07:00"))
		}
	case slog.LevelKey:
		if l, ok := a.Value.Any().(slog.Level); ok {
			return slog.String("@level", hclogLevel(l))
		}
	case slog.MessageKey:
		return slog.String("@message", strings.ToValidUTF8(a.Value.String(), "\uFFFD"))
	}
	return a
}

func hclogLevel(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warn"
	case l >= slog.LevelInfo:
		return "info"
	case l >= slog.LevelDebug:
		return "debug"
	default:
		return "trace"
	}
}
