package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

type options struct {
	Folder string   `json:"folder" jsonschema:"required,description=Folder to read"`
	Page   int      `json:"page_size,omitempty" jsonschema:"default=50,minimum=1,maximum=500"`
	Only   []string `json:"only,omitempty"`
	Nested struct {
		Deep bool `json:"deep"`
	} `json:"nested,omitzero"`
}

func (o *options) Validate() error {
	if o.Folder == "/" {
		return errors.New("not the whole disk, please")
	}
	return nil
}

// library is an opened source that can do everything.
type library struct {
	options options
	env     Environment
	closed  *bool
}

func (l *library) Read(_ context.Context, _ ReadRequest, out Writer) error {
	return out.Record("books", Record{ID: "1", JSON: json.RawMessage(`{}`)})
}
func (l *library) Check(context.Context) error                { return nil }
func (l *library) Discover(context.Context) ([]Stream, error) { return []Stream{{Name: "books"}}, nil }

func (l *library) FetchAsset(context.Context, AssetRef) (Asset, error) {
	return Asset{}, &Diagnostic{Kind: NotFound, Summary: "no asset"}
}
func (l *library) Close() error { *l.closed = true; return nil }

func TestCapabilitiesAreThoseDeclared(t *testing.T) {
	read := func(context.Context, noOptions, ReadRequest, Writer) error { return nil }
	for name, tc := range map[string]struct {
		source Source
		want   Capabilities
	}{
		"nothing": {Define(Plugin[noOptions]{Name: "guard", Version: "1", Read: read}), Capabilities{}},
		"functions": {
			Define(Plugin[noOptions]{
				Name: "guard", Version: "1", Read: read, Resumable: true,
				Discover: func(context.Context, noOptions) ([]Stream, error) { return nil, nil },
			}), Capabilities{Discover: true, Resumable: true},
		},
		"methods": {
			Define(Plugin[options]{
				Name: "guard", Version: "1", Incremental: true,
				Open: NewOpener(func(context.Context, options, Environment) (*library, error) { return nil, nil }),
			}), Capabilities{Check: true, Discover: true, FetchAsset: true, Incremental: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.source.Spec().Can; got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestOpenedSource(t *testing.T) {
	var opened *library
	var closed bool
	s := Define(Plugin[options]{
		Name: "library", Version: "1.0.0",
		Open: NewOpener(func(_ context.Context, o options, env Environment) (*library, error) {
			opened = &library{options: o, env: env, closed: &closed}
			return opened, nil
		}),
	})
	if _, err := s.Discover(t.Context()); KindOf(err) != Internal {
		t.Errorf("before Configure: %v", err)
	}
	err := s.Configure(t.Context(), Configuration{BaseDir: "/base", Options: json.RawMessage(`{"folder":"x"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if opened.options.Page != 50 {
		t.Errorf("default of page_size: %d", opened.options.Page)
	}
	if got := opened.env.Path(opened.options.Folder); got != "/base/x" {
		t.Errorf("path = %s", got)
	}
	if got := opened.env.Path("/abs/../y"); got != "/y" {
		t.Errorf("path = %s", got)
	}
	opened.env.Log.Info("nobody listens, nothing breaks")
	if streams, err := s.Discover(t.Context()); err != nil || len(streams) != 1 {
		t.Errorf("discover: %v, %v", streams, err)
	}
	if _, err := s.FetchAsset(t.Context(), AssetRef{}); KindOf(err) != NotFound {
		t.Errorf("fetch: %v", err)
	}
	if err := s.Configure(t.Context(), Configuration{}); err == nil {
		t.Error("configured twice")
	}
	if err := s.(interface{ Close() error }).Close(); err != nil || !closed {
		t.Errorf("close: %v, closed: %v", err, closed)
	}
}

func TestOptionsAreRefused(t *testing.T) {
	s := Define(Plugin[options]{
		Name: "guard", Version: "1", Read: func(context.Context, options, ReadRequest, Writer) error { return nil },
	})
	for name, tc := range map[string]struct{ options, code, path, suggestion string }{
		"near miss":    {`{"folder":"x","page_sise":3}`, "options_unknown", "/page_sise", `did you mean "page_size"?`},
		"far miss":     {`{"folder":"x","a/b":3}`, "options_unknown", "/a~1b", "the options are folder, page_size, only, nested"},
		"missing":      {`{}`, "options_missing", "", ""},
		"wrong type":   {`{"folder":3}`, "options_invalid", "/folder", ""},
		"nested type":  {`{"folder":"x","nested":{"deep":3}}`, "options_invalid", "/nested/deep", ""},
		"nested key":   {`{"folder":"x","nested":{"deeep":true}}`, "options_invalid", "", ""},
		"no object":    {`[]`, "options_invalid", "", ""},
		"null":         {`null`, "options_invalid", "", ""},
		"no JSON":      {`{`, "options_invalid", "", ""},
		"own Validate": {`{"folder":"/"}`, "options_invalid", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.Configure(t.Context(), Configuration{Options: json.RawMessage(tc.options)})
			var d *Diagnostic
			if !errors.As(err, &d) {
				t.Fatalf("err = %v", err)
			}
			if d.Kind != Invalid || d.Code != tc.code || d.ConfigPath != tc.path || d.Suggestion != tc.suggestion {
				t.Errorf("got %+v", *d)
			}
		})
	}
}

func TestEveryUnknownOptionIsNamedOverTheWire(t *testing.T) {
	client := connect(t, Define(Plugin[options]{
		Name: "guard", Version: "1", Read: func(context.Context, options, ReadRequest, Writer) error { return nil },
	}))
	_, err := client.Configure(t.Context(), &sourcepb.ConfigureRequest{Options: []byte(`{"b":1,"a":2,"folder":"x"}`)})
	said := diagnosed(err)
	if len(said) != 2 || said[0].GetConfigPath() != "/a" || said[1].GetConfigPath() != "/b" {
		t.Errorf("diagnostics = %v", said)
	}
}

func TestSchema(t *testing.T) {
	s := Define(Plugin[options]{
		Name: "guard", Version: "1", Read: func(context.Context, options, ReadRequest, Writer) error { return nil },
	})
	var got struct {
		Required   []string
		Additional *bool `json:"additionalProperties"`
		Properties map[string]struct {
			Description string
			Default     any
			Minimum     any
		}
	}
	if err := json.Unmarshal(s.Spec().Options, &got); err != nil {
		t.Fatal(err)
	}
	if got.Additional == nil || *got.Additional {
		t.Error("the schema allows unknown options")
	}
	if len(got.Required) != 1 || got.Required[0] != "folder" {
		t.Errorf("required: %v", got.Required)
	}
	page := got.Properties["page_size"]
	if page.Default != 50.0 || page.Minimum != 1.0 || got.Properties["folder"].Description != "Folder to read" {
		t.Errorf("properties: %+v", got.Properties)
	}
}

func TestWrongDeclarationsPanic(t *testing.T) {
	read := func(context.Context, noOptions, ReadRequest, Writer) error { return nil }
	open := NewOpener(func(context.Context, noOptions, Environment) (*library, error) { return nil, nil })
	for want, declare := range map[string]func(){
		"the name":       func() { Define(Plugin[noOptions]{Name: "A_b", Version: "1", Read: read}) },
		"no version":     func() { Define(Plugin[noOptions]{Name: "guard", Read: read}) },
		"exactly one":    func() { Define(Plugin[noOptions]{Name: "guard", Version: "1"}) },
		"go with Read":   func() { Define(Plugin[noOptions]{Name: "guard", Version: "1", Open: open, Check: okay}) },
		"must be a stru": func() { Define(Plugin[int]{Name: "guard", Version: "1", Read: readInt}) },
	} {
		t.Run(want, func(t *testing.T) {
			defer func() {
				if text, ok := recover().(string); !ok || !strings.Contains(text, want) {
					t.Errorf("panicked with %q", text)
				}
			}()
			declare()
		})
	}
}

func okay(context.Context, noOptions) error                   { return nil }
func readInt(context.Context, int, ReadRequest, Writer) error { return nil }

func TestNearest(t *testing.T) {
	words := []string{"page_size", "url", "roots"}
	for given, want := range map[string]string{"pagesize": "page_size", "uri": "url", "root": "roots", "colour": "", "x": ""} {
		if got := nearest(words, given); got != want {
			t.Errorf("nearest(%q) = %q, want %q", given, got, want)
		}
	}
}
