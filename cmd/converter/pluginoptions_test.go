package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/open5e"
	"github.com/seed-98789ff7/converter/plugins/rest"
)

func TestOptionsOf(t *testing.T) {
	schema := `{
		"type": "object", "required": ["url", "size"],
		"$defs": {"page": {"type": "object", "title": "A page", "properties": {
			"next": {"$ref": "#/$defs/page"}, "number": {"type": "integer", "minimum": 1, "maximum": 9}
		}}},
		"properties": {
			"url": {"type": "string", "description": "Where\n to | read"},
			"size": {"type": "integer", "default": 100, "minimum": 1},
			"mode": {"enum": ["fast", "slow"], "default": "fast"},
			"token": {"type": "string", "writeOnly": true},
			"pages": {"type": "array", "items": {"$ref": "#/$defs/page"}},
			"any": true,
			"lost": {"$ref": "#/$defs/nowhere"}
		}
	}`
	rows := optionsOf([]byte(schema))
	got := make([]string, 0, len(rows))
	for _, o := range rows {
		got = append(got, strings.Join([]string{o.name, o.kind, o.preset, cell(o.meaning)}, ";"))
	}
	want := []string{
		`url;string;required;Where to \| read`,
		"size;integer, at least 1;100;",
		"mode;fast or slow;fast;",
		"token;secret string;;",
		"pages;list of object;;",
		"pages[].next;object;;A page",
		"pages[].next.next;object;;A page",
		"pages[].next.next.next;object;;A page",
		"pages[].next.next.number;integer, 1 to 9;;",
		"pages[].next.number;integer, 1 to 9;;",
		"pages[].number;integer, 1 to 9;;",
		"any;anything;;",
		"lost;anything;;",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, odd := range []string{"", "true", "[]", "{", `{"type":"string"}`, `{"properties":{}}`, `{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}`} {
		if rows := optionsOf([]byte(odd)); len(rows) > 0 {
			t.Errorf("%s: %v", odd, rows)
		}
	}
}

// TestPinsDoNotDecideContent holds that pinning a plugin does not make the next run begin anew.
func TestPinsDoNotDecideContent(t *testing.T) {
	file := File{Version: 1, Sources: []Source{{Name: "a", Plugin: "b"}}}
	before, err := digest(file)
	if err != nil {
		t.Fatal(err)
	}
	file.Sources[0].SHA256, file.Sources[0].MemoryMB, file.Sources[0].StallAfter = "0", 128, "5m"
	after, err := digest(file)
	if err != nil || before != after {
		t.Errorf("%s became %s, %v", before, after, err)
	}
	if file.Sources[0].SHA256 == "" {
		t.Error("the sum is gone from the config itself")
	}
}

func TestPlain(t *testing.T) {
	if got := plain("a\x1b[31m b\r\nc\u202e d"); got != "a [31m b c d" {
		t.Errorf("%q", got)
	}
}

// TestPresetIsASource prints each preset, and reads it as the source of a config.
func TestPresetIsASource(t *testing.T) {
	for _, name := range open5e.Presets() {
		var out, errs bytes.Buffer
		a := app{stdout: &out, stderr: &errs, env: environment}
		if code := a.main(t.Context(), []string{"plugin", "info", "open5e", "--preset", name}); code != 0 {
			t.Fatalf("%s: exit code %d: %s", name, code, errs.String())
		}
		text := "version: 1\nsources:\n" + out.String() + "outputs: [{name: a, type: json, path: a}]\n"
		path := filepath.Join(t.TempDir(), "converter.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig(path, environment)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(c.Sources) != 1 || c.Sources[0].Plugin != "rest" || c.Sources[0].Name != name {
			t.Errorf("%s: %+v", name, c.Sources)
		}
		if wrong, err := c.checkOptions(0, rest.New().Spec()); wrong || err != nil {
			t.Errorf("%s: its options do not fit: %v %v", name, c.document.found, err)
		}
	}
	for _, args := range [][]string{{"plugin", "info", "open5e", "--preset", "open5e_v9"}, {"plugin", "info", "foundry", "--preset", "open5e_v2"}} {
		var errs bytes.Buffer
		a := app{stdout: io.Discard, stderr: &errs, env: environment}
		if code := a.main(t.Context(), args); code != exitUsage || !strings.Contains(errs.String(), "open5e_v2") {
			t.Errorf("%q: exit code %d: %s", args, code, errs.String())
		}
	}
}
