// Package pdf is the source of rulebooks in PDF: their text as chunks that know page and chapter, their tables, the spells,
// monsters and items in them, and their pictures; read offline and without writing a byte to them.
//
// It owns which files are read, what is kept of a file from run to run, which of its pictures are worth having, what it says of
// its licence, and the records that all of this becomes. Reading the file is pdf/extract's part, in processes of their own that
// may die of it; the order of the text is pdf/layout's, tables pdf/table's, chunks pdf/chunk's, game content pdf/grammar's,
// recognising the letters of scanned pages pdf/ocr's. It waits for the processes it starts. Its errors are *sdk.Diagnostic with
// codes that begin with "pdf": a page that cannot be read is skipped with one, a file too, and the others go on.
//
// Memory: the fragments of one file at a time, about 50 bytes a character of its text, beside what each process of pdf/extract
// takes.
package pdf

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/seed-98789ff7/converter/plugins/pdf/chunk"
	"github.com/seed-98789ff7/converter/sdk"
)

// Version is the version of the plugin. What is kept of files is read again when it changes.
const Version = "0.1.0"

// Options are the options of a pdf source.
type Options struct {
	Files     []string `json:"files" jsonschema:"required,minItems=1" jsonschema_description:"PDF files, and folders whose PDF files are read, those in the folders inside them too. Relative to the config file."`
	Exclude   []string `json:"exclude,omitempty" jsonschema_description:"Files of folders that are not read, as patterns with * and ? that the file's name or its path inside the folder matches. Default: none."`
	Passwords []string `json:"passwords,omitempty" jsonschema:"writeOnly=true" jsonschema_description:"Passwords that files may be locked with, tried in this order. Keep them out of the config file: ${NAME}. Default: none."`

	About             // of all files
	Books []FileAbout `json:"books,omitempty" jsonschema_description:"What is known of single files, in place of what is said of all. The first that matches a file counts. Default: none."`

	Grammars     []string `json:"grammars,omitempty" jsonschema_description:"Grammars by which game content is recognised: names of those that come with the converter, and YAML files, relative to the config file. Default: dnd5e."`
	ChunkSize    int      `json:"chunk_size,omitempty" jsonschema:"default=1000,minimum=200,maximum=20000" jsonschema_description:"Characters that a chunk of text has at most."`
	ChunkOverlap *int     `json:"chunk_overlap,omitempty" jsonschema:"minimum=0,maximum=5000" jsonschema_description:"Characters of whole sentences that a chunk repeats of the one before at most. Default: 200."`
	Leave        []string `json:"leave_out,omitempty" jsonschema:"uniqueItems=true,enum=chunks,enum=tables,enum=entities,enum=pictures" jsonschema_description:"What is not sent of the files. Default: nothing is left out."`
	Renders      string   `json:"page_renders,omitempty" jsonschema:"default=maps,enum=maps,enum=none,enum=all" jsonschema_description:"Pages that are drawn as pictures: those that are drawings with hardly any text (maps), none, or all of them."`

	Workers     int    `json:"workers,omitempty" jsonschema:"default=0,minimum=0,maximum=64" jsonschema_description:"Processes that read pages; 0: one a core."`
	PageTimeout string `json:"page_timeout,omitempty" jsonschema:"default=10s" jsonschema_description:"How long a page may take. One that takes longer is skipped."`
	MemoryMB    int    `json:"memory_mb,omitempty" jsonschema:"default=512,minimum=64,maximum=4096" jsonschema_description:"Megabytes that reading a page may take."`
	CacheTTL    string `json:"cache_ttl,omitempty" jsonschema:"default=24h" jsonschema_description:"How long it is kept what a file was read as; 0s: until the space is needed. The same file is not opened again meanwhile."`
	CacheMB     int    `json:"cache_mb,omitempty" jsonschema:"default=2048,minimum=1,maximum=1048576" jsonschema_description:"Megabytes that pictures taken out of files may take in the state folder, and as much again what pages were read as. What was not used for longest goes first; what a run refers to stays while it lasts."`
	OCR         OCR    `json:"ocr,omitzero" jsonschema_description:"Recognising the text of scanned pages. Default: it is not done."`
}

// About is what people know of a file and the file does not say.
type About struct {
	System      string `json:"system,omitempty" jsonschema_description:"Game system that the content is written for, such as dnd5e. Default: that of the grammar."`
	Edition     string `json:"edition,omitempty" jsonschema_description:"Its edition, such as 2014. Content of other sources with the same name and edition counts as the same. Default: not known."`
	License     string `json:"license,omitempty" jsonschema_description:"Licence, as an SPDX expression. Default: what the text of the file says, where it is clear."`
	Attribution string `json:"attribution,omitempty" jsonschema_description:"Whom the licence wants named. Default: what the text of the file says."`
	LicenseURL  string `json:"license_url,omitempty" jsonschema_description:"Where the licence is. Default: not known."`
}

// FileAbout is what is known of the files that match a pattern.
type FileAbout struct {
	File  string `json:"file" jsonschema:"required" jsonschema_description:"Name or path of the file, as a pattern with * and ?."`
	Title string `json:"title,omitempty" jsonschema_description:"What the book is called. Default: the file's own title, else its name."`
	About
}

// OCR says how text is recognised.
type OCR struct {
	Enabled   bool     `json:"enabled,omitempty" jsonschema:"default=false" jsonschema_description:"Whether pages without text are recognised. tesseract must be installed."`
	Command   string   `json:"command,omitempty" jsonschema:"default=tesseract" jsonschema_description:"The program."`
	Languages []string `json:"languages,omitempty" jsonschema_description:"Languages, as tesseract calls them. Default: eng."`
	DPI       int      `json:"dpi,omitempty" jsonschema:"default=300,minimum=72,maximum=600" jsonschema_description:"Dots an inch that pages are drawn with."`
	Timeout   string   `json:"timeout,omitempty" jsonschema:"default=60s" jsonschema_description:"How long a page may take."`
}

// Of what is not sent.
const (
	chunksOut   = "chunks"
	tablesOut   = "tables"
	entitiesOut = "entities"
	picturesOut = "pictures"
)

const (
	defaultSize    = 1000
	defaultOverlap = 200
)

var word = regexp.MustCompile(`^[A-Za-z0-9_]{1,32}$`) // a language of tesseract's

// Validate refuses what would be read wrongly: not every caller has looked at the schema.
func (o *Options) Validate() error {
	var faults []error
	wrong := func(path, summary, suggestion string) {
		faults = append(faults, &sdk.Diagnostic{
			Kind: sdk.Invalid, Code: "pdf.option", ConfigPath: path, Summary: summary, Suggestion: suggestion,
		})
	}
	if len(o.Files) == 0 || slices.Contains(o.Files, "") {
		wrong("/files", "no file is named, or one has no name", "name PDF files, or folders that hold some")
	}
	for path, text := range map[string]string{"/page_timeout": o.PageTimeout, "/cache_ttl": o.CacheTTL, "/ocr/timeout": o.OCR.Timeout} {
		if d, err := time.ParseDuration(text); text != "" && (err != nil || d < 0 || d == 0 && path != "/cache_ttl") {
			wrong(path, fmt.Sprintf("%q is no length of time", text), "write it as 500ms, 10s, 1m or 24h")
		}
	}
	for i, pattern := range o.Exclude {
		if _, err := filepath.Match(pattern, "a"); err != nil {
			wrong(fmt.Sprintf("/exclude/%d", i), fmt.Sprintf("%q is no pattern", pattern), "a [ needs a ] behind it")
		}
	}
	for i, b := range o.Books {
		if _, err := filepath.Match(b.File, "a"); err != nil || b.File == "" {
			wrong(fmt.Sprintf("/books/%d/file", i), fmt.Sprintf("%q is no pattern", b.File), "name a file, or write a pattern such as *-players.pdf")
		}
	}
	for i, language := range o.OCR.Languages {
		if !word.MatchString(language) {
			wrong(fmt.Sprintf("/ocr/languages/%d", i), fmt.Sprintf("%q is no language", language), "tesseract --list-langs says which there are")
		}
	}
	if err := o.chunks("").Validate(); err != nil {
		wrong("/chunk_overlap", err.Error(), "make chunks larger, or the overlap smaller")
	}
	return errors.Join(faults...)
}

func (o *Options) cacheBytes() int64 { return int64(o.CacheMB) << 20 }

func (o *Options) size() int {
	if o.ChunkSize == 0 {
		return defaultSize
	}
	return o.ChunkSize
}

func (o *Options) overlap() int {
	if o.ChunkOverlap == nil {
		return min(defaultOverlap, o.size()/2-1)
	}
	return *o.ChunkOverlap
}

func (o *Options) chunks(title string) chunk.Config {
	c := chunk.Config{Size: o.size(), Overlap: o.overlap(), Title: title}
	if c.Overlap == 0 {
		c.Overlap = -1
	}
	return c
}

func (o *Options) sends(what string) bool { return !slices.Contains(o.Leave, what) }

// about is what people know of a file, by its path inside the folder that was named.
func (o *Options) about(name string) (title string, a About) {
	a = o.About
	for _, b := range o.Books {
		if !matches(b.File, name) {
			continue
		}
		own := b.About
		for _, f := range []struct{ to, from *string }{
			{&a.System, &own.System},
			{&a.Edition, &own.Edition},
			{&a.License, &own.License},
			{&a.Attribution, &own.Attribution},
			{&a.LicenseURL, &own.LicenseURL},
		} {
			if *f.from != "" {
				*f.to = *f.from
			}
		}
		return b.Title, a
	}
	return "", a
}

// matches says whether a pattern means a file, by its name or by its path with slashes.
func matches(pattern, name string) bool {
	byPath, _ := filepath.Match(pattern, filepath.FromSlash(name)) // it has been looked at by Validate
	byName, _ := filepath.Match(pattern, filepath.Base(filepath.FromSlash(name)))
	return byPath || byName
}

// length reads a length of time that Validate has looked at.
func length(text string, standard time.Duration) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		return standard
	}
	return d
}

// New returns the source. It is not configured yet.
func New() sdk.Source {
	return sdk.Define(sdk.Plugin[Options]{
		Name:         "pdf",
		Version:      Version,
		Summary:      "Reads rulebooks in PDF: text, tables, stat blocks and pictures.",
		License:      "MIT",
		Kinds:        []string{"creature", "spell", "item", "table", "rule", "other"},
		StateVersion: 1,
		Resumable:    true,
		Incremental:  true,
		Open:         sdk.NewOpener(open),
	})
}
