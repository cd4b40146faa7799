package pdf

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/plugins/pdf/pdfium"
	"github.com/seed-98789ff7/converter/sdk"
)

// counter counts what it is sent.
type counter struct{ records int64 }

func (c *counter) Record(string, sdk.Record) error { c.records++; return nil }

func (c *counter) Skip(_, _ string, reason error) error { return reason }

func (c *counter) Checkpoint(string, []byte) error { return nil }

func (c *counter) Progress(string, int64, int64, string) error { return nil }

func (c *counter) Report(sdk.Diagnostic) {}

// shelved is a source of one copied file whose cache folder outlives it.
type shelved struct {
	*testing.T

	env  sdk.Environment
	path string
}

// open opens the source anew, as a later run does.
func (s shelved) open(o Options) *library {
	s.Helper()
	o.Files = []string{s.path}
	l, err := open(s.Context(), o, s.env)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if err := l.Close(); err != nil {
			s.Error(err)
		}
	})
	return l
}

// records is the estimate for the file, and how many files were opened for it.
func (s shelved) records(l *library) (sdk.Estimate, int) {
	s.Helper()
	streams, err := l.Discover(s.Context())
	if err != nil || len(streams) != 1 || streams[0].Bytes.Quality != sdk.Exact {
		s.Fatalf("%+v, %v", streams, err)
	}
	return streams[0].Records, len(l.counts.opened)
}

func (s shelved) read(l *library) int64 {
	s.Helper()
	var c counter
	if err := l.Read(s.Context(), sdk.ReadRequest{}, &c); err != nil {
		s.Fatal(err)
	}
	return c.records
}

// TestEstimate: a file is opened once, to be counted and to be read; its number of records is known from the reading, as long as the
// file is what it was and becomes the same.
func TestEstimate(t *testing.T) {
	cache, dir := t.TempDir(), t.TempDir()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "rulebooks", "lampwrights-almanac.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	s := shelved{t, sdk.Environment{Source: "shelf", CacheDir: cache, Log: slog.New(slog.DiscardHandler)}, filepath.Join(dir, "almanac.pdf")}
	at := time.Now().Add(-time.Hour)
	put := func(content []byte) {
		t.Helper()
		if err := errors.Join(os.WriteFile(s.path, content, 0o600), os.Chtimes(s.path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	put(text)
	if err := errors.Join(os.MkdirAll(pdfium.CacheDir(), 0o700), os.Symlink(pdfium.CacheDir(), filepath.Join(cache, "pdfium"))); err != nil {
		t.Fatal(err)
	}

	l := s.open(Options{})
	approximate := sdk.Estimate{Count: 18, Quality: sdk.Approximate} // of three pages
	if e, opened := s.records(l); e != approximate || opened != 1 {
		t.Errorf("never read: %+v, %d opened", e, opened)
	}
	records := s.read(l)
	if len(l.counts.opened) != 0 {
		t.Error("the file was opened again to be read")
	}
	exact := sdk.Estimate{Count: records, Quality: sdk.Exact}
	if e, opened := s.records(l); e != exact || opened != 0 || records < 5 {
		t.Errorf("just read: %+v of %d", e, records)
	}

	// What cannot be opened shows that nobody does.
	put(bytes.Repeat([]byte("no pdf "), len(text))[:len(text)])
	if e, opened := s.records(s.open(Options{Workers: 3, CacheMB: 7})); e != exact || opened != 0 {
		t.Errorf("in a later run: %+v, %d opened", e, opened)
	}
	if e, opened := s.records(s.open(Options{OCR: OCR{Enabled: true}})); e != approximate || opened != 0 {
		t.Errorf("with other options: %+v, %d opened", e, opened)
	}
	if e, _ := s.records(s.open(Options{Leave: []string{"chunks", "tables"}, Grammars: []string{}})); e != (sdk.Estimate{Count: 1, Quality: sdk.Approximate}) {
		t.Errorf("the book alone: %+v", e)
	}

	// The same bytes at another time are known by what is kept of them; others are not.
	at = at.Add(time.Minute)
	put(text)
	if e, opened := s.records(s.open(Options{})); e != approximate || opened != 0 {
		t.Errorf("copied: %+v, %d opened", e, opened)
	}
	at = at.Add(time.Minute)
	put(append(bytes.Clone(text), "\n% a remark\n"...))
	if e, opened := s.records(s.open(Options{})); e != approximate || opened != 1 {
		t.Errorf("changed: %+v, %d opened", e, opened)
	}
	at = at.Add(time.Minute)
	put([]byte("no pdf"))
	if e, opened := s.records(s.open(Options{})); e != (sdk.Estimate{}) || opened != 0 {
		t.Errorf("no file: %+v, %d opened", e, opened)
	}

	// One that has changed since it was counted is opened again.
	put(text)
	l = s.open(Options{CacheTTL: "1ns"})
	if _, opened := s.records(l); opened != 1 {
		t.Fatalf("%d opened", opened)
	}
	at = at.Add(time.Minute)
	put(text)
	if l.counts.take(l.files[0]) != nil {
		t.Error("what was opened before the file has changed is read")
	}
}

func TestPerPage(t *testing.T) {
	for _, tt := range []struct {
		o    Options
		want float64
	}{
		{Options{}, pageChunks + pageTables + pageEntities},
		{Options{ChunkSize: 500}, 2*pageChunks + pageTables + pageEntities},
		{Options{Grammars: []string{}}, pageChunks + pageTables},
		{Options{Leave: []string{"entities", "tables"}}, pageChunks},
		{Options{Leave: []string{"entities", "tables", "chunks"}}, 0},
	} {
		if got := tt.o.perPage(); got != tt.want {
			t.Errorf("%+v: %v, want %v", tt.o, got, tt.want)
		}
	}
}

// TestCounts: what is kept and cannot be read is none, and what the source no longer has is not kept on.
func TestCounts(t *testing.T) {
	env := sdk.Environment{Source: "shelf", CacheDir: t.TempDir()}
	a, b := file{path: "/a.pdf", size: 1}, file{path: "/b.pdf", size: 2}
	c := rememberCounts(env, "x")
	c.note(a, 3, 30)
	c.note(b, 4, 0)
	if err := c.save([]file{a, b}); err != nil {
		t.Fatal(err)
	}
	c = rememberCounts(env, "x")
	if c.of(a).Records != 30 || c.of(b).Pages != 4 || c.of(file{path: "/a.pdf", size: 2}).Pages != 0 {
		t.Errorf("%+v", c.files)
	}
	c.note(b, 5, 50)
	if err := c.save([]file{b}); err != nil {
		t.Fatal(err)
	}
	if c = rememberCounts(env, "y"); len(c.files) != 1 || c.of(b) != (count{Size: 2, Pages: 5}) {
		t.Errorf("%+v", c.files)
	}
	env.Source = "another"
	if c := rememberCounts(env, "x"); len(c.files) != 0 {
		t.Errorf("another source knows %+v", c.files)
	}
	env.Source = "shelf"
	if err := os.WriteFile(c.path, []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := rememberCounts(env, "x"); len(c.files) != 0 || c.of(a).Pages != 0 {
		t.Errorf("of a damaged file: %+v", c.files)
	}
}
