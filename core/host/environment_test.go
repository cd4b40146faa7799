//go:build unix

package host

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

func TestEnvironmentOfThePlugin(t *testing.T) {
	t.Setenv("DATABASE_PASSWORD", "secret")
	t.Setenv("TZ", "UTC")
	dir := t.TempDir()
	p := startGood(t, deed{Do: "environment"}, func(c *Config) {
		c.Env, c.WorkDir = append(c.Env, "EXTRA=yes", "TZ=Asia/Tokyo"), dir
	})
	c := &collector{}
	if err := p.Read(t.Context(), sdk.ReadRequest{}, c); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Env   []string
		Stdin string
		Dir   string
	}
	if err := json.Unmarshal(c.records[0].JSON, &got); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"EXTRA=yes", "TZ=Asia/Tokyo", "CONVERTER_PLUGIN=converter.source", "CONVERTER_LOG_LEVEL=error"} {
		if !slices.Contains(got.Env, want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, v := range got.Env {
		if strings.Contains(v, "secret") || v == "TZ=UTC" {
			t.Errorf("the plugin sees %s", v)
		}
	}
	if got.Stdin != "" || got.Dir != dir {
		t.Errorf("stdin %q, folder %s", got.Stdin, got.Dir)
	}
}

// TestMemoryLimitIsKnownToGo: a plugin in Go is told of its limit, unless the config says otherwise.
func TestMemoryLimitIsKnownToGo(t *testing.T) {
	t.Parallel()
	if !canLimit {
		t.Skip("memory is limited on Linux alone")
	}
	limit := func(config Config) (last string) {
		config.Log = slog.New(slog.DiscardHandler)
		for _, v := range environment(t.Context(), []string{"GOMEMLIMIT=1GiB"}, config) {
			if value, ok := strings.CutPrefix(v, "GOMEMLIMIT="); ok {
				last = value
			}
		}
		return last
	}
	for _, tt := range []struct {
		config Config
		want   string
	}{
		{Config{}, ""},
		{Config{MemoryMB: 128}, "96MiB"},
		{Config{MemoryMB: 128, Env: []string{"GOMEMLIMIT=off"}}, "off"},
	} {
		if got := limit(tt.config); got != tt.want {
			t.Errorf("%d MB, %v: %q, want %q", tt.config.MemoryMB, tt.config.Env, got, tt.want)
		}
	}
}
