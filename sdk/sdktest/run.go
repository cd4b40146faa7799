package sdktest

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// Run makes all checks with a source in this process, each as a test of its own: where a debugger stops, and coverage
// counts. Between the test and the source lies the wire that plugins are spoken to over, in memory. The options are what
// the source is configured with, anything that becomes one JSON object; relative paths in them are relative to the folder
// of the test. The sample they name is best small, with some of everything.
func Run(t *testing.T, open func() sdk.Source, options any) {
	t.Helper()
	RunGolden(t, open, options, "", false)
}

// RunGolden is [Run] with a file that has the records which are to come, one JSON object a line, the skipped ones too; with
// update the file is written instead, for the author to read. Paths below the folder of the test and the folders of the
// source stand in it as ${base}, ${work} and ${cache}.
func RunGolden(t *testing.T, open func() sdk.Source, options any, file string, update bool) {
	t.Helper()
	text, err := json.Marshal(options)
	if err != nil {
		t.Fatalf("options: %v", err)
	}
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	config := Config{
		Start: func(ctx context.Context) (sdk.Source, error) { return wire(ctx, open()) },
		Configuration: sdk.Configuration{
			Source: "test", Options: text, BaseDir: dir, WorkDir: t.TempDir(),
			CacheDir: filepath.Join(t.TempDir(), "cache"), // which it makes when it needs it
		},
		Golden: file, Update: update,
	}
	for r := range Test(t.Context(), config) {
		t.Run(r.Name, func(t *testing.T) {
			switch r.Outcome {
			case OK:
				t.Log(r.Seen)
			case Skipped:
				t.Skip(r.Seen)
			case Failed:
				t.Errorf("%s\n→ %s", r.Seen, r.Advice)
			}
		})
	}
}
