package pdf

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-98789ff7/converter/plugins/pdf/extract"
	"github.com/seed-98789ff7/converter/plugins/pdf/grammar"
	"github.com/seed-98789ff7/converter/plugins/pdf/keep"
	"github.com/seed-98789ff7/converter/plugins/pdf/ocr"
	"github.com/seed-98789ff7/converter/sdk"
)

// library is an opened source: its files.
type library struct {
	options  Options
	env      sdk.Environment
	files    []file
	missing  error // files of the options that cannot be read
	grammars []*grammar.Grammar
	written  string      // hash of the grammars that are files
	kept     *keep.Cache // nil: nothing is kept
	pictures *keep.Files
	counts   *counts

	mu   sync.Mutex    // guards what follows
	pool *extract.Pool // nil until a file has to be opened
}

// checkpoint is that of a stream that was read to its end.
type checkpoint struct {
	Done   bool   `json:"done"`
	SHA256 string `json:"sha256"`
}

func open(_ context.Context, o Options, env sdk.Environment) (*library, error) {
	l := &library{options: o, env: env, pictures: o.pictures(env)}
	l.files, l.missing = o.find(env.Path)
	var err error
	if l.grammars, l.written, err = o.grammars(env.Path); err != nil {
		return nil, err
	}
	l.counts = rememberCounts(env, l.shape())
	if env.CacheDir != "" {
		l.kept, err = keep.Open(keep.Config{Dir: filepath.Join(env.CacheDir, "pages"), TTL: length(o.CacheTTL, keep.TTL), MaxBytes: o.cacheBytes()})
		if err != nil {
			env.Log.Warn("what is read of files is not kept", "error", err)
			l.kept = nil
		}
	}
	return l, nil
}

// pictures are where pictures are put: where they are still found when the run is resumed, if there is such a place. They stay as
// long as the run lasts, which is as long as its work folder is there.
func (o *Options) pictures(env sdk.Environment) *keep.Files {
	dir := cmp.Or(env.CacheDir, env.WorkDir)
	if dir != "" {
		dir = filepath.Join(dir, "pictures")
	}
	return keep.NewFiles(keep.FilesConfig{Dir: dir, TTL: length(o.CacheTTL, keep.TTL), MaxBytes: o.cacheBytes(), User: env.WorkDir})
}

// grammars are those that the options name, and a hash of those among them that are files.
func (o *Options) grammars(path func(string) string) ([]*grammar.Grammar, string, error) {
	shipped, err := grammar.Shipped()
	if err != nil {
		return nil, "", err
	}
	names := o.Grammars
	if names == nil {
		names = []string{"dnd5e"}
	}
	var chosen []*grammar.Grammar
	var faults []error
	written := sha256.New()
	for i, name := range names {
		at := slices.IndexFunc(shipped, func(g *grammar.Grammar) bool { return g.Name == name })
		if at >= 0 {
			chosen = append(chosen, shipped[at])
			continue
		}
		d := &sdk.Diagnostic{Kind: sdk.Invalid, Code: "pdf.grammar", ConfigPath: fmt.Sprintf("/grammars/%d", i)}
		if ext := filepath.Ext(name); ext != ".yaml" && ext != ".yml" {
			d.Summary = fmt.Sprintf("there is no grammar %q", name)
			d.Suggestion = "name a YAML file, or one of those that come with the converter: " + strings.Join(namesOf(shipped), ", ")
			faults = append(faults, d)
			continue
		}
		loaded, err := grammar.Load(chosen, path(name)) // one that is called like an earlier one takes its place
		if err != nil {
			d.Summary, d.Cause, d.Suggestion = "the grammar "+name+" cannot be used", err, "correct the file; docs/pdf-grammars.md says how grammars are written"
			faults = append(faults, d)
			continue
		}
		sum, err := sumOf(path(name))
		faults = append(faults, err)
		_, _ = written.Write(sum[:]) // never fails
		chosen = loaded
	}
	return chosen, hex.EncodeToString(written.Sum(nil)), errors.Join(faults...)
}

func namesOf(list []*grammar.Grammar) []string {
	names := make([]string, len(list))
	for i, g := range list {
		names[i] = g.Name
	}
	return names
}

// Close ends the processes.
func (l *library) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pool == nil {
		return nil
	}
	l.pool.Close()
	return nil
}

// pooled is what reads files; it starts when it is first asked for.
func (l *library) pooled() (*extract.Pool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pool != nil {
		return l.pool, nil
	}
	command, err := l.command()
	if err != nil {
		return nil, err
	}
	c := extract.Config{
		Command: command, Workers: l.options.Workers, PageTimeout: length(l.options.PageTimeout, 0), MemoryMB: l.options.MemoryMB, Log: l.env.Log,
	}
	if l.env.CacheDir != "" {
		c.CacheDir = filepath.Join(l.env.CacheDir, "pdfium")
	}
	l.pool = extract.New(c)
	return l.pool, nil
}

// Check says whether all files are there, and whether text can be recognised where the options want it.
func (l *library) Check(ctx context.Context) error {
	if l.missing != nil {
		return l.missing
	}
	if len(l.files) == 0 {
		return &sdk.Diagnostic{
			Kind: sdk.NotFound, Code: "pdf.nothing_found", ConfigPath: "/files",
			Summary:    "no PDF file was found in " + strings.Join(l.options.Files, ", "),
			Suggestion: "name files, or folders that hold files whose names end in .pdf; exclude may leave nothing",
		}
	}
	if l.options.OCR.Enabled {
		_, err := ocr.Check(ctx, l.options.OCR.config())
		return err
	}
	return nil
}

// Discover lists the files, with how many records they are: those that were read before as they are now have as many as then, of
// the others their pages are counted, for a while.
func (l *library) Discover(ctx context.Context) ([]sdk.Stream, error) {
	if l.missing != nil {
		return nil, l.missing
	}
	limited, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	until := time.Now().Add(lookLimit)
	streams := make([]sdk.Stream, len(l.files))
	for i, f := range l.files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		title, about := l.options.about(f.name)
		streams[i] = sdk.Stream{
			Name: f.name, Title: title, Kind: "rule", License: about.license(), Records: l.estimate(limited, f, until),
			Bytes: sdk.Estimate{Count: f.size, Quality: sdk.Exact},
		}
		if i == 0 {
			until = time.Now().Add(lookFor)
		}
	}
	l.saveCounts()
	return streams, nil
}

// license is what people say of it.
func (a About) license() sdk.License {
	if a.License == "" && a.Attribution == "" && a.LicenseURL == "" {
		return sdk.License{}
	}
	return sdk.License{Expression: a.License, Attribution: a.Attribution, URL: a.LicenseURL, From: "config"}
}

// Read sends what is in the asked files.
func (l *library) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	if l.missing != nil {
		return l.missing
	}
	names := request.Streams
	if len(names) == 0 {
		for _, f := range l.files {
			names = append(names, f.name)
		}
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := l.readStream(ctx, name, request, out); err != nil {
			return err
		}
	}
	l.saveCounts()
	if l.env.CacheDir != "" {
		if err := l.pictures.Tidy(); err != nil {
			l.env.Log.Warn("pictures of earlier runs are not tidied away", "error", err)
		}
	}
	return nil
}

func (l *library) readStream(ctx context.Context, name string, request sdk.ReadRequest, out sdk.Writer) error {
	var past checkpoint
	_ = json.Unmarshal(request.State[name], &past) // one that cannot be read is none
	i := slices.IndexFunc(l.files, func(f file) bool { return f.name == name })
	if i < 0 {
		if past.Done {
			return nil
		}
		return out.Skip(name, "", &sdk.Diagnostic{
			Kind: sdk.NotFound, Code: "pdf.file_gone", Summary: "there is no file " + name, Stream: name,
			Suggestion: "put it back, or take it out of what is to be read",
		})
	}
	f := l.files[i]
	sum, err := sumOf(f.path)
	text := hex.EncodeToString(sum[:])
	switch {
	case err != nil && past.Done:
		return nil
	case err != nil:
		return out.Skip(name, name, unreadable(f, err))
	case past.Done && past.SHA256 != text:
		out.Report(sdk.Diagnostic{
			Severity: sdk.SeverityWarning, Kind: sdk.Unavailable, Code: "pdf.file_changed", Stream: name,
			Summary: "the file has changed since this run read it; what was read is kept", Suggestion: "start a new run to read it as it is now",
		})
		return nil
	case past.Done:
		return nil
	}
	if w, ok := out.(sdk.RevisionWriter); ok && l.isAt(request.Known[name], sum) {
		return w.Unchanged(name)
	}
	if whole, err := l.readFile(ctx, f, sum, out); err != nil || !whole {
		return err
	}
	done, err := json.Marshal(checkpoint{Done: true, SHA256: text})
	if err != nil {
		return err
	}
	return out.Checkpoint(name, done)
}

// readFile sends one file, and says whether it could be read. Only an error of out or of ctx is an error; a file with which
// something is wrong is skipped.
func (l *library) readFile(ctx context.Context, f file, sum [sha256.Size]byte, out sdk.Writer) (whole bool, err error) {
	r := &reading{library: l, file: f, sum: sum, out: out}
	r.title, r.about = l.options.about(f.name)
	if fault := r.extract(ctx); fault != nil {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if r.broken != nil {
			return false, r.broken
		}
		return false, out.Skip(f.name, f.name, fault)
	}
	return true, r.send(ctx)
}

func sumOf(path string) (sum [sha256.Size]byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer func() { _ = file.Close() }() // only read
	h := sha256.New()
	_, err = io.Copy(h, file)
	return [sha256.Size]byte(h.Sum(nil)), err
}

func unreadable(f file, err error) error {
	return &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: "pdf.file_unreadable", Summary: f.path + " cannot be read", Cause: err,
		Suggestion: "check its rights, and the disk it is on",
	}
}
