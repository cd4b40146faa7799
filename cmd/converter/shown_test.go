package main

import (
	"testing"

	"github.com/seed-98789ff7/converter/core"
)

// TestShown: what has no small rendition is shown by its original, unless it must not be shown.
func TestShown(t *testing.T) {
	original := core.Rendition{Resolution: "original", SHA256: "o"}
	thumbnail := core.Rendition{Resolution: "thumbnail", SHA256: "t"}
	for _, c := range []struct {
		name  string
		asset core.Asset
		want  string // of thumbnail; empty: nothing
	}{
		{"picture", core.Asset{MediaType: "image/png", Renditions: []core.Rendition{original, thumbnail}}, "t"},
		{"vector", core.Asset{MediaType: "image/svg+xml", Renditions: []core.Rendition{original}}, "o"},
		{"active vector", core.Asset{MediaType: "image/svg+xml", Unsafe: true, Renditions: []core.Rendition{original}}, ""},
		{"sound", core.Asset{MediaType: "audio/ogg", Renditions: []core.Rendition{original}}, ""},
		{"nothing", core.Asset{MediaType: "image/png"}, ""},
	} {
		if got, ok := shown(c.asset, "thumbnail"); got.SHA256 != c.want || ok != (c.want != "") {
			t.Errorf("%s: %+v, %v", c.name, got, ok)
		}
	}
}
