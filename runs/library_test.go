package runs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	for _, test := range []struct {
		name, variable string
		config         Config
		rows           int
		want           string // in the error
	}{
		{name: "defaults", config: Config{Dir: "x"}, rows: 0},
		{name: "from the environment", variable: "40", config: Config{Dir: "x"}, rows: 40},
		{name: "the config wins", variable: "nonsense", config: Config{Dir: "x", BatchRows: 7}, rows: 7},
		{name: "not a number", variable: "many", config: Config{Dir: "x"}, want: `CACHE_BUILD_BATCH_SIZE="many"`},
		{name: "too small", variable: "0", config: Config{Dir: "x"}, want: "from 1 to 5000"},
		{name: "too large", variable: "5001", config: Config{Dir: "x"}, want: "from 1 to 5000"},
		{name: "negative batch", config: Config{Dir: "x", BatchRows: -1}, want: "-1"},
		{name: "negative keep", config: Config{Dir: "x", Keep: -3}, want: "-3"},
		{name: "no folder", want: "no folder"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(BatchVariable, test.variable)
			got, err := test.config.withDefaults()
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want one with %q", err, test.want)
				}
				return
			}
			if err != nil || got.BatchRows != test.rows || got.Keep != 50 || got.Log == nil {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// What keeps a library from opening is said with the folder, and nothing is left running.
func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"a file in the way": {Config{Dir: filepath.Join(file, "x")}, "not a directory"},
		"no rqlited":        {Config{Dir: dir, Binary: filepath.Join(dir, "none")}, "rqlited v8.43 is needed"},
		"a wrong cluster":   {Config{Dir: dir, URLs: []string{"ftp://x"}}, "http://"},
	} {
		_, err := Open(t.Context(), test.config)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.config.Dir) {
			t.Errorf("%s: %v, want the folder and %q", name, err, test.want)
		}
	}
}
