package host

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// inherited are the variables of the host that a plugin gets to see; all others, passwords among them, stay with the
// host. What else a plugin needs is said in Config.Env.
var inherited = []string{
	"PATH", "HOME", "USER", "TMPDIR", "LANG", "LANGUAGE", "TZ",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
	"SYSTEMROOT", "TEMP", "TMP",
}

// environment chooses from the variables of the host and adds those of the config. go-plugin's own come on top.
func environment(ctx context.Context, host []string, config Config) []string {
	var env []string
	for _, variable := range host {
		name, _, _ := strings.Cut(variable, "=")
		if slices.Contains(inherited, name) || strings.HasPrefix(name, "LC_") {
			env = append(env, variable)
		}
	}
	if config.MemoryMB > 0 && canLimit {
		// A program in Go looks for garbage before it comes to the limit, instead of dying of it. Others do not know the name.
		env = append(env, fmt.Sprintf("GOMEMLIMIT=%dMiB", config.MemoryMB*3/4))
	}
	env = append(env, config.Env...)
	return append(env,
		fmt.Sprintf("%s=%d", sourcepb.HostKey, os.Getpid()),
		sourcepb.LogLevelKey+"="+levelWord(ctx, config.Log))
}

// levelWord is the least level that the log shows.
func levelWord(ctx context.Context, log *slog.Logger) string {
	for _, l := range []struct {
		level slog.Level
		word  string
	}{{slog.LevelDebug, "debug"}, {slog.LevelInfo, "info"}, {slog.LevelWarn, "warn"}} {
		if log.Handler().Enabled(ctx, l.level) {
			return l.word
		}
	}
	return "error"
}
