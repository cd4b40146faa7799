package sdk

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"reflect"
	"regexp"
	"sync"
)

// Plugin declares a source plugin with options of type C, a struct. Exactly one of Read and Open is set: Read where the
// options are all a reading needs, Open where something is opened first and kept, such as a file or a client.
// [Define] makes a Source of it.
type Plugin[C any] struct {
	Name        string // 2 to 40 lower-case letters, digits and dashes, a letter first
	Version     string // semantic version
	Summary     string // one line
	Description string // Markdown; default: none
	Author      string // default: none
	Homepage    string // default: none
	License     string // SPDX expression of the plugin's own code; default: none
	Kinds       []string
	// StateVersion is raised when checkpoints change their form; default: 0.
	StateVersion uint32
	Resumable    bool // Read resumes from a checkpoint inside a stream; default: false
	Incremental  bool // Read says what has not changed since an earlier run, see [RevisionWriter]; default: false

	// Read sends the records, see [Source].
	Read func(ctx context.Context, options C, request ReadRequest, out Writer) error
	// Check, Discover and Asset go with Read and may be nil; see the methods of [Source].
	Check    func(ctx context.Context, options C) error
	Discover func(ctx context.Context, options C) ([]Stream, error)
	Asset    func(ctx context.Context, options C, ref AssetRef) (Asset, error)

	// Open opens the source. What it opens may also be a [Checker], a [Discoverer], a [Fetcher] and an [io.Closer].
	Open *Opener[C]
}

// Environment is where a source runs.
type Environment struct {
	Source   string       // name of the source in the config
	BaseDir  string       // folder that relative paths in the options are relative to
	WorkDir  string       // folder the source may write to while the run lasts
	CacheDir string       // folder for downloads kept across runs; empty: none
	Log      *slog.Logger // for developers; what users should know goes to [Writer.Report]; never nil

	web *web // nil: made by HTTP
}

// Path returns name as seen from the base folder. An absolute name stays as it is.
func (e Environment) Path(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(e.BaseDir, name)
}

// Reader is an opened source.
type Reader interface {
	// Read sends the records, see [Source].
	Read(ctx context.Context, request ReadRequest, out Writer) error
}

// Checker is a Reader that can say whether it can be read.
type Checker interface {
	// Check is that of [Source].
	Check(ctx context.Context) error
}

// Discoverer is a Reader that knows its streams.
type Discoverer interface {
	// Discover is that of [Source].
	Discover(ctx context.Context) ([]Stream, error)
}

// Fetcher is a Reader whose records refer to assets by key.
type Fetcher interface {
	// FetchAsset is that of [Source].
	FetchAsset(ctx context.Context, ref AssetRef) (Asset, error)
}

// Opener is a function that opens a source, together with what the opened source can do.
type Opener[C any] struct {
	open func(ctx context.Context, options C, env Environment) (Reader, error)
	can  Capabilities
}

// NewOpener makes an Opener of a function. What the opened source can do is read off its type R, so return the concrete
// type, not an interface.
func NewOpener[C any, R Reader](open func(ctx context.Context, options C, env Environment) (R, error)) *Opener[C] {
	var zero R
	return &Opener[C]{
		open: func(ctx context.Context, options C, env Environment) (Reader, error) { return open(ctx, options, env) },
		can:  canDo(zero),
	}
}

func canDo(r Reader) Capabilities {
	_, check := r.(Checker)
	_, discover := r.(Discoverer)
	_, fetch := r.(Fetcher)
	return Capabilities{Check: check, Discover: discover, FetchAsset: fetch}
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)

// Define makes a Source of a declaration. Its Spec has the JSON Schema of C, and the capabilities that the declaration
// shows. Configure refuses options that C has no field for, gives those that are not set the default of their
// `jsonschema:"default=…"` tag, and calls the method Validate() error of C or *C where there is one.
//
// The source is an [io.Closer] too. Define panics when the declaration itself is wrong, which the first start shows.
func Define[C any](p Plugin[C]) Source {
	if fault := p.fault(); fault != "" {
		panic(fmt.Sprintf("sdk: plugin %q: %s", p.Name, fault))
	}
	d := &defined[C]{plugin: p, schema: schemaOf[C](), meter: &meter{}}
	if p.Open == nil {
		d.plugin.Open = plain(p)
	}
	return d
}

func (p Plugin[C]) fault() string {
	switch {
	case !validName.MatchString(p.Name):
		return "the name must be 2 to 40 lower-case letters, digits and dashes, a letter first"
	case p.Version == "":
		return "it has no version"
	case (p.Read == nil) == (p.Open == nil):
		return "exactly one of Read and Open must be set"
	case p.Open != nil && (p.Check != nil || p.Discover != nil || p.Asset != nil):
		return "Check, Discover and Asset go with Read; with Open they are methods of what it opens"
	case reflect.TypeFor[C]().Kind() != reflect.Struct:
		return "the options must be a struct"
	}
	return ""
}

// plain opens a plugin that has nothing to open.
func plain[C any](p Plugin[C]) *Opener[C] {
	return &Opener[C]{
		open: func(_ context.Context, options C, _ Environment) (Reader, error) {
			return &functions[C]{plugin: p, options: options}, nil
		},
		can: Capabilities{Check: p.Check != nil, Discover: p.Discover != nil, FetchAsset: p.Asset != nil},
	}
}

// functions is the Reader of a plugin that is declared by functions.
type functions[C any] struct {
	plugin  Plugin[C]
	options C
}

func (f *functions[C]) Read(ctx context.Context, request ReadRequest, out Writer) error {
	return f.plugin.Read(ctx, f.options, request, out)
}

func (f *functions[C]) Check(ctx context.Context) error { return f.plugin.Check(ctx, f.options) }

func (f *functions[C]) Discover(ctx context.Context) ([]Stream, error) {
	return f.plugin.Discover(ctx, f.options)
}

func (f *functions[C]) FetchAsset(ctx context.Context, ref AssetRef) (Asset, error) {
	return f.plugin.Asset(ctx, f.options, ref)
}

// defined is the Source of a declaration.
type defined[C any] struct {
	plugin Plugin[C]
	schema schema
	meter  *meter

	mu     sync.Mutex // guards what follows
	opened Reader
	web    *web
}

func (d *defined[C]) Spec() Spec {
	p := d.plugin
	can := p.Open.can
	can.Resumable, can.Incremental = p.Resumable, p.Incremental
	return Spec{
		Name: p.Name, Version: p.Version, Summary: p.Summary, Description: p.Description, Author: p.Author,
		Homepage: p.Homepage, License: p.License, Options: d.schema.text, Kinds: p.Kinds, Can: can,
		StateVersion: p.StateVersion,
	}
}

func (d *defined[C]) Configure(ctx context.Context, c Configuration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opened != nil {
		return &Diagnostic{Kind: Internal, Code: "already_configured", Summary: "the source is configured already"}
	}
	options, err := decodeOptions[C](d.schema, c.Options)
	if err != nil {
		return err
	}
	env := environment(c)
	env.web = newWeb(env, userAgent(d.plugin.Name, d.plugin.Version, d.plugin.Homepage), d.meter)
	reader, err := d.plugin.Open.open(ctx, options, env)
	if err != nil {
		env.web.CloseIdleConnections()
		return err
	}
	d.opened, d.web = reader, env.web
	return nil
}

// userAgent is what a plugin calls itself to servers.
func userAgent(name, version, homepage string) string {
	if homepage == "" {
		return fmt.Sprintf("%s/%s (converter plugin)", name, version)
	}
	return fmt.Sprintf("%s/%s (converter plugin; +%s)", name, version, homepage)
}

func environment(c Configuration) Environment {
	e := Environment{Source: c.Source, BaseDir: c.BaseDir, WorkDir: c.WorkDir, CacheDir: c.CacheDir, Log: c.Log}
	if e.Log == nil {
		e.Log = slog.New(slog.DiscardHandler)
	}
	return e
}

func (d *defined[C]) reader() (Reader, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opened == nil {
		return nil, notConfigured()
	}
	return d.opened, nil
}

func notConfigured() error {
	return &Diagnostic{Kind: Internal, Code: "not_configured", Summary: "the source is not configured yet"}
}

func (d *defined[C]) Check(ctx context.Context) error {
	r, err := d.reader()
	if err != nil || !d.plugin.Open.can.Check {
		return err
	}
	return r.(Checker).Check(ctx)
}

func (d *defined[C]) Discover(ctx context.Context) ([]Stream, error) {
	r, err := d.reader()
	if err != nil || !d.plugin.Open.can.Discover {
		return nil, err
	}
	return r.(Discoverer).Discover(ctx)
}

func (d *defined[C]) Read(ctx context.Context, request ReadRequest, out Writer) error {
	r, err := d.reader()
	if err != nil {
		return err
	}
	defer d.meter.to(out)()
	return r.Read(ctx, request, out)
}

func (d *defined[C]) FetchAsset(ctx context.Context, ref AssetRef) (Asset, error) {
	r, err := d.reader()
	switch {
	case err != nil:
		return Asset{}, err
	case !d.plugin.Open.can.FetchAsset:
		return Asset{}, &Diagnostic{
			Kind: Unsupported, Code: "assets_unsupported",
			Summary: fmt.Sprintf("plugin %q has no assets to fetch", d.plugin.Name),
		}
	}
	return r.(Fetcher).FetchAsset(ctx, ref)
}

// Close closes what was opened, where that can be closed.
func (d *defined[C]) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	closer, ok := d.opened.(io.Closer)
	d.opened = nil
	if d.web != nil {
		d.web.CloseIdleConnections()
		d.web = nil
	}
	if !ok {
		return nil
	}
	return closer.Close()
}
