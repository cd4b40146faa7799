package open5e

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// TestPresets are what they are printed as, sound, and choose lists that they have.
func TestPresets(t *testing.T) {
	for _, name := range Presets() {
		t.Run(name, func(t *testing.T) {
			p, err := load(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Validate(); err != nil {
				t.Error(err)
			}
			if len(p.chosen) == 0 || p.Scope != name || !strings.HasPrefix(p.Client.BaseURL, "https://") {
				t.Errorf("%q chosen, scope %q, %s", p.chosen, p.Scope, p.Client.BaseURL)
			}
			r, err := Options{Preset: name}.configured()
			if err != nil {
				t.Fatal(err)
			}
			var streams []string
			for _, one := range r.Resources {
				if one.Role != "reference" {
					streams = append(streams, one.Name)
				}
				if !sdk.IsKind(one.Entity.Kind) {
					t.Errorf("%s is of no kind", one.Name)
				}
			}
			if !slices.Equal(streams, p.chosen) {
				t.Errorf("streams %q, chosen %q", streams, p.chosen)
			}
			all, err := Options{Preset: name, Resources: []string{"all"}}.configured()
			if err != nil || len(all.Resources) <= len(r.Resources) {
				t.Errorf("%d of all, %d chosen: %v", len(all.Resources), len(r.Resources), err)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	for name, c := range map[string]struct{ options, at, want string }{
		"preset":    {`{"preset": "open5e_v3"}`, "/preset", "no preset"},
		"list":      {`{"preset": "open5e_v1", "resources": ["monsters", "dragons"]}`, "/resources/1", `no list "dragons"`},
		"documents": {`{"preset": "dnd5e_api", "documents": ["srd"]}`, "/documents", "names no publications"},
		"address":   {`{"preset": "open5e_v1", "base_url": "here"}`, "/client/base_url", "no address"},
	} {
		t.Run(name, func(t *testing.T) {
			err := New().Configure(t.Context(), sdk.Configuration{Options: json.RawMessage(c.options)})
			d, ok := errors.AsType[*sdk.Diagnostic](err)
			if !ok || d.ConfigPath != c.at || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestChosenLists bring their parents and the lists that know their licences, which are not sent.
func TestChosenLists(t *testing.T) {
	r, err := Options{Preset: "dnd5e_api", Resources: []string{"class_levels"}}.configured()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Resources) != 2 || r.Resources[0].Name != "classes" || r.Resources[0].Role != "reference" || r.Resources[1].Role != "" {
		t.Errorf("%+v", r.Resources)
	}
	r, err = Options{Preset: "open5e_v2", Resources: []string{"documents"}, Documents: []string{"srd-2024"}, MaxInFlight: 2, Cache: "bypass", BaseURL: "https://mirror.example/v2/"}.configured()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Resources) != 2 || r.Resources[0].Role != "" || r.Resources[1].Role != "reference" || r.Client.MaxInFlight != 2 || r.Cache != "bypass" ||
		r.Client.BaseURL != "https://mirror.example/v2/" || !slices.Equal(r.ResourceDefaults.Where.In, []string{"srd-2024"}) {
		t.Errorf("%+v", r)
	}
}
