package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// TestComplaintsMoveNothing: what a plugin says reaches the terminal as words, not as commands to it.
func TestComplaintsMoveNothing(t *testing.T) {
	var out bytes.Buffer
	a := app{stderr: &out}
	a.complain(&sdk.Diagnostic{
		Summary: "the map\x1b[2J is gone", Detail: "first line\n\x1b]0;title\x07second\tline", Suggestion: "look\r\nelsewhere",
	})
	if text := out.String(); strings.ContainsAny(text, "\x1b\x07\r\t") {
		t.Errorf("%q", text)
	}
	for _, want := range []string{"error: the map", "       first line\n", "second line", "→ look elsewhere"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %q", want, out.String())
		}
	}
}

// TestSchemaOpensNothing: a plugin's schema cannot make us read a file.
func TestSchemaOpensNothing(t *testing.T) {
	d := &document{vals: map[string]position{}, keys: map[string]position{}}
	err := d.validate([]byte(`{"$ref": "file:///etc/hostname"}`), "", map[string]any{})
	if err == nil || !strings.Contains(err.Error(), "stands by itself") {
		t.Errorf("%v", err)
	}
}

// TestWhoStoppedIt: the words of a run that was ended.
func TestWhoStoppedIt(t *testing.T) {
	if got := (stopped{by: "SIGINT", actor: "signal"}).Error(); got != "stopped by SIGINT" {
		t.Error(got)
	}
	if got := (stopped{by: "cancelled in the dashboard", actor: byUser}).Error(); got != "cancelled in the dashboard" {
		t.Error(got)
	}
}
