//go:build unix

package host

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// putPlugin writes the file of a plugin.
func putPlugin(t *testing.T, mode os.FileMode, elem ...string) string {
	t.Helper()
	path := filepath.Join(elem...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// variables is an environment.
func variables(of map[string]string) func(string) string {
	return func(name string) string { return of[name] }
}

func TestFindInOrder(t *testing.T) {
	root := t.TempDir()
	config := FindConfig{
		Dirs: []string{filepath.Join(root, "flag")}, ConfigDir: filepath.Join(root, "config"),
		Getenv: variables(map[string]string{
			"CONVERTER_PLUGIN_PATH": filepath.Join(root, "none") + ":" + filepath.Join(root, "variable"),
			"XDG_DATA_HOME":         filepath.Join(root, "data"),
			"PATH":                  ".:" + filepath.Join(root, "bin"),
		}),
	}
	order := []struct{ path, from string }{
		{putPlugin(t, 0o755, root, "flag", "converter-plugin-one"), "--plugin-dir"},
		{putPlugin(t, 0o755, root, "variable", "converter-plugin-one"), "CONVERTER_PLUGIN_PATH"},
		{putPlugin(t, 0o755, root, "config", "plugins", "converter-plugin-one"), "beside the config"},
		{putPlugin(t, 0o755, root, "data", "converter", "plugins", "converter-plugin-one"), "the user's plugins"},
		{putPlugin(t, 0o755, root, "bin", "converter-plugin-one"), "PATH"},
	}
	for i, want := range order {
		found, err := Find("one", config)
		if err != nil {
			t.Fatal(err)
		}
		if found.Path != want.path || found.From != want.from || len(found.Shadowed) != len(order)-i-1 {
			t.Errorf("found %+v, want %+v", found, want)
		}
		if err := os.Remove(want.path); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Find("one", config)
	d := diagnostic(t, err, CodeNotFound)
	if d.Kind != sdk.NotFound || !strings.Contains(d.Detail, filepath.Join(root, "bin")+" (PATH)") {
		t.Errorf("%v\n%s", err, d.Detail)
	}
}

func TestFindWhatTheConfigNames(t *testing.T) {
	root := t.TempDir()
	path := putPlugin(t, 0o755, root, "whatever")
	found, err := Find("one", FindConfig{Path: path, Getenv: variables(nil)})
	if err != nil || found.Path != path || found.From != "the config" {
		t.Errorf("%+v, %v", found, err)
	}
	_, err = Find("one", FindConfig{Path: filepath.Join(root, "other"), Getenv: variables(nil)})
	diagnostic(t, err, CodeNotFound)
}

func TestFindNeverPassesOver(t *testing.T) {
	root := t.TempDir()
	putPlugin(t, 0o644, root, "a", "converter-plugin-one")
	putPlugin(t, 0o755, root, "b", "converter-plugin-one")
	config := FindConfig{Dirs: []string{filepath.Join(root, "a"), filepath.Join(root, "b")}, Getenv: variables(nil)}
	_, err := Find("one", config)
	diagnostic(t, err, CodeNotExecutable)
}

func TestNamesThatNoPluginHas(t *testing.T) {
	for _, name := range []string{"", "a", "A1", "1a", "-a", "a_b", "../x", "a/b", "a b", "x\x00", strings.Repeat("a", 41)} {
		_, err := Find(name, FindConfig{Path: "/bin/sh", Getenv: variables(nil)})
		var d *sdk.Diagnostic
		if !errors.As(err, &d) || d.Code != CodeBadName {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestList(t *testing.T) {
	root := t.TempDir()
	putPlugin(t, 0o755, root, "a", "converter-plugin-two")
	putPlugin(t, 0o644, root, "a", "converter-plugin-broken")
	putPlugin(t, 0o755, root, "b", "converter-plugin-one")
	putPlugin(t, 0o755, root, "b", "converter-plugin-two")
	putPlugin(t, 0o755, root, "b", "converter-plugin-No_Name")
	putPlugin(t, 0o755, root, "b", "something-else")
	file := putPlugin(t, 0o644, root, "file")
	all, err := List(FindConfig{
		Dirs: []string{filepath.Join(root, "a"), filepath.Join(root, "b"), filepath.Join(root, "none")}, Getenv: variables(nil),
	})
	if err != nil {
		t.Error(err)
	}
	var names []string
	for _, found := range all {
		names = append(names, found.Name)
		if shadowed := found.Name == "two"; shadowed != (len(found.Shadowed) == 1) {
			t.Errorf("shadowed by %s: %v", found.Path, found.Shadowed)
		}
		if broken := found.Name == "broken"; broken != (found.Fault != nil) {
			t.Errorf("%s: %v", found.Name, found.Fault)
		}
	}
	if !slices.Equal(names, []string{"broken", "one", "two"}) {
		t.Errorf("names %q", names)
	}
	if _, err := List(FindConfig{Dirs: []string{file}, Getenv: variables(nil)}); err == nil {
		t.Error("a folder that is a file is not told of")
	}
}
