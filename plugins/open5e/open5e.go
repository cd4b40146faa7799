// Package open5e is the source of the Open5e API, versions 2 and 1, and of the D&D 5e API: presets of the rest source, which
// does everything else.
//
// It owns what is known of these APIs: their lists, how they are asked without being a burden, which kinds their entries are
// of, and where the licence of each entry stands. It starts no goroutine. Its errors are those of plugins/rest.
package open5e

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/seed-98789ff7/converter/plugins/rest"
	"github.com/seed-98789ff7/converter/sdk"
)

// Version is the version of the plugin.
const Version = "0.1.0"

//go:embed presets/*.yaml
var files embed.FS

// Options are the options of an open5e source.
type Options struct {
	Preset      string   `json:"preset" jsonschema:"required,enum=open5e_v2,enum=open5e_v1,enum=dnd5e_api" jsonschema_description:"Which API, and how it is read. converter plugin info open5e --preset NAME prints it as options of a rest source, to be copied and changed."`
	Resources   []string `json:"resources,omitempty" jsonschema:"uniqueItems=true" jsonschema_description:"Lists to read. Default: those that the preset marks as its own; all stands for all."`
	Documents   []string `json:"documents,omitempty" jsonschema:"uniqueItems=true" jsonschema_description:"Keys of the publications to keep, such as srd-2024. Default: all."`
	BaseURL     string   `json:"base_url,omitempty" jsonschema_description:"Another server of the same API."`
	MaxInFlight int      `json:"max_in_flight,omitempty" jsonschema:"minimum=1,maximum=64" jsonschema_description:"Requests under way at one time. Default: what the preset says."`
	Cache       string   `json:"cache,omitempty" jsonschema:"enum=no-cache,enum=bypass,enum=only-if-cached,default=no-cache" jsonschema_description:"As that of a rest source."`
}

// preset is a file of presets/: options of a rest source, and which of the lists are read where nobody says which.
type preset struct {
	rest.Options

	text    string
	chosen  []string
	filters rest.Words // where a record names its publication
}

// Presets are the names of the presets.
func Presets() []string { return []string{"open5e_v2", "open5e_v1", "dnd5e_api"} }

// Preset is the text of a preset: a source for a config file.
func Preset(name string) (string, error) {
	text, err := files.ReadFile("presets/" + name + ".yaml")
	if err != nil || !slices.Contains(Presets(), name) {
		return "", &sdk.Diagnostic{
			Kind: sdk.NotFound, Code: "open5e.preset", ConfigPath: "/preset", Summary: fmt.Sprintf("there is no preset %q", name),
			Suggestion: "the presets are " + strings.Join(Presets(), ", "),
		}
	}
	return string(text), nil
}

// load reads a preset: a source in YAML, the lists that are chosen in a comment of its first lines.
func load(name string) (preset, error) {
	text, err := Preset(name)
	if err != nil {
		return preset{}, err
	}
	var file []struct {
		Options json.RawMessage `json:"options"`
	}
	plain, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = json.Unmarshal(plain, &file)
	}
	if err == nil && len(file) != 1 {
		err = errors.New("it is not one source")
	}
	if err != nil {
		return preset{}, fmt.Errorf("preset %s: %w", name, err)
	}
	p := preset{text: text}
	decoder := json.NewDecoder(bytes.NewReader(file[0].Options))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p.Options); err != nil {
		return preset{}, fmt.Errorf("preset %s: %w", name, err)
	}
	for line := range strings.Lines(text) {
		if list, ok := strings.CutPrefix(line, "# Read where nothing else is said:"); ok {
			p.chosen = strings.Fields(list)
		}
		if list, ok := strings.CutPrefix(line, "# Publications are named by:"); ok {
			p.filters = strings.Fields(list)
		}
	}
	return p, nil
}

// New returns the source. It is not configured yet.
func New() sdk.Source {
	return sdk.Define(sdk.Plugin[Options]{
		Name:         "open5e",
		Version:      Version,
		Summary:      "Reads Open5e (version 2 and 1) and the D&D 5e API.",
		License:      "MIT",
		Kinds:        sdk.Kinds[:],
		StateVersion: 1,
		Resumable:    true,
		Incremental:  true,
		Open:         sdk.NewOpener(open),
	})
}

func open(ctx context.Context, o Options, env sdk.Environment) (*rest.Source, error) {
	configured, err := o.configured()
	if err != nil {
		return nil, err
	}
	return rest.Open(ctx, configured, env)
}

// configured makes options of a rest source of a preset and what is said beside it.
func (o Options) configured() (rest.Options, error) {
	p, err := load(o.Preset)
	if err != nil {
		return rest.Options{}, err
	}
	r := p.Options
	r.Client.BaseURL = cmp.Or(o.BaseURL, r.Client.BaseURL)
	r.Client.MaxInFlight = cmp.Or(o.MaxInFlight, r.Client.MaxInFlight)
	r.Cache = cmp.Or(o.Cache, r.Cache)
	if err := choose(&r, o.Resources, p.chosen); err != nil {
		return rest.Options{}, err
	}
	if len(o.Documents) > 0 {
		if len(p.filters) == 0 {
			return rest.Options{}, &sdk.Diagnostic{
				Kind: sdk.Invalid, Code: "open5e.documents", ConfigPath: "/documents", Summary: "what " + o.Preset + " sends names no publications",
				Suggestion: "leave documents out",
			}
		}
		r.ResourceDefaults.Where = &rest.Where{Path: p.filters, In: o.Documents}
	}
	return r, r.Validate()
}

// choose leaves those lists that are asked for, and what they refer to.
func choose(r *rest.Options, asked, chosen []string) error {
	if len(asked) == 0 {
		asked = chosen
	}
	if slices.Contains(asked, "all") {
		return nil
	}
	var names []string
	for _, one := range r.Resources {
		names = append(names, one.Name)
	}
	var faults []error
	for i, name := range asked {
		if !slices.Contains(names, name) {
			faults = append(faults, &sdk.Diagnostic{
				Kind: sdk.Invalid, Code: "open5e.resource", ConfigPath: fmt.Sprintf("/resources/%d", i),
				Summary: fmt.Sprintf("there is no list %q", name), Suggestion: "the lists are " + strings.Join(names, ", "),
			})
		}
	}
	wanted := wants(*r, asked)
	r.Resources = slices.DeleteFunc(r.Resources, func(one rest.Resource) bool { return !wanted[one.Name] })
	for i, one := range r.Resources {
		if !slices.Contains(asked, one.Name) {
			r.Resources[i].Role = "reference"
		}
	}
	return errors.Join(faults...)
}

// wants are the lists that are asked for, and those that know their licences or are their parents.
func wants(r rest.Options, asked []string) map[string]bool {
	wanted := map[string]bool{}
	for _, l := range r.ResourceDefaults.License {
		wanted[l.From] = true
	}
	for _, name := range asked {
		wanted[name] = true
	}
	for _, one := range slices.Backward(r.Resources) { // parents stand before their children
		if !wanted[one.Name] {
			continue
		}
		for _, l := range one.License {
			wanted[l.From] = true
		}
		if one.Resolve != nil {
			wanted[one.Resolve.Resource] = true
		}
	}
	return wanted
}
