package pdf_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/plugins/pdf"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdfium"
	"github.com/seed-98789ff7/converter/sdk"
)

// TestMain lets the test's own program read pages, as the converter does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == pdf.WorkerCommand {
		if err := pdf.Work(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// options are those of the source, by name.
type options map[string]any

// samples are the rulebooks of the repository, and the grammar of their game.
func samples(t *testing.T) (books, grammar string) {
	t.Helper()
	dir, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "rulebooks"), filepath.Join(dir, "tidemark-grammar.yaml")
}

// shelf is a folder for what a source keeps, shared by the readings of a test. What PDFium is compiled to is shared by all tests.
type shelf struct{ dir string }

func newShelf(t *testing.T) shelf {
	t.Helper()
	s := shelf{t.TempDir()}
	common := pdfium.CacheDir()
	if err := errors.Join(os.MkdirAll(common, 0o700), os.Symlink(common, filepath.Join(s.dir, "pdfium"))); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s shelf) open(t *testing.T, o options) sdk.Source {
	t.Helper()
	source := pdf.New()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	c := sdk.Configuration{Source: "shelf", Options: text, WorkDir: t.TempDir(), CacheDir: s.dir}
	if err := source.Configure(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := source.(io.Closer).Close(); err != nil {
			t.Error(err)
		}
	})
	return source
}

// log writes down what a source sends.
type log struct {
	mu      sync.Mutex
	records []sdk.Record
	skipped map[string]string // codes by id
	reports []string          // codes
	said    []sdk.Diagnostic  // of the reports
	facts   map[string]sdk.Fact
	done    map[string][]byte
	metrics sdk.Metrics
	stop    int // records after which it wants no more; 0: never

	revisions map[string][]byte
	unchanged []string
}

var errEnough = errors.New("enough")

func (l *log) Record(_ string, r sdk.Record) error {
	if err := r.Validate(); err != nil {
		return err
	}
	l.records = append(l.records, r)
	if len(l.records) == l.stop {
		return errEnough
	}
	return nil
}

func (l *log) Skip(_, id string, reason error) error {
	l.skipped[id] = sdk.Diagnose(reason, "none")[0].Code
	return nil
}

func (l *log) Checkpoint(stream string, state []byte) error {
	l.done[stream] = slices.Clone(state)
	return nil
}

func (l *log) Progress(string, int64, int64, string) error { return nil }

func (l *log) Report(d sdk.Diagnostic) {
	l.reports, l.said = append(l.reports, d.Code), append(l.said, d)
}

func (l *log) Facts(_ string, facts ...sdk.Fact) error {
	for _, f := range facts {
		l.facts[f.Name] = f
	}
	return sdk.ValidateFacts(facts)
}

func (l *log) Metrics(m sdk.Metrics) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.metrics.Hits += m.Hits
	l.metrics.Misses += m.Misses
}

func (l *log) Revision(stream string, revision []byte) error {
	l.revisions[stream] = slices.Clone(revision)
	return nil
}

func (l *log) Unchanged(stream string) error {
	l.unchanged = append(l.unchanged, stream)
	return nil
}

func (l *log) UnchangedRecord(_, id string) error {
	return errors.New(id + " alone is called unchanged")
}

func newLog() *log {
	return &log{revisions: map[string][]byte{}, skipped: map[string]string{}, facts: map[string]sdk.Fact{}, done: map[string][]byte{}}
}

func (s shelf) read(t *testing.T, o options) *log {
	t.Helper()
	l := newLog()
	if err := s.open(t, o).Read(t.Context(), sdk.ReadRequest{}, l); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *log) byID(t *testing.T, id string) sdk.Record {
	t.Helper()
	i := slices.IndexFunc(l.records, func(r sdk.Record) bool { return r.ID == id })
	if i < 0 {
		var ids []string
		for _, r := range l.records {
			ids = append(ids, r.ID)
		}
		t.Fatalf("there is no %s among\n%s", id, strings.Join(ids, "\n"))
	}
	return l.records[i]
}

// TestSample reads the rulebook of the repository, whose words are known.
func TestSample(t *testing.T) {
	books, grammar := samples(t)
	l := newShelf(t).read(t, options{"files": []string{books}, "grammars": []string{grammar}, "edition": "1"})
	const book = "lampwrights-almanac.pdf"
	if len(l.skipped)+len(l.reports) > 0 {
		t.Errorf("skipped %v, reported %v", l.skipped, l.reports)
	}

	seal := l.byID(t, book+"#visitor/bell-seal")
	var facts struct {
		Mettle, Ballast int
		Size            string
		Knacks          []struct{ Name, Desc string }
	}
	if err := json.Unmarshal(seal.Facts, &facts); err != nil {
		t.Fatal(err)
	}
	if facts.Mettle != 7 || facts.Ballast != 2 || facts.Size != "large" || len(facts.Knacks) != 2 || facts.Knacks[1].Name != "Knows the Way" {
		t.Errorf("the seal: %+v", facts)
	}
	want := sdk.Ruleset{System: "tidemark", Edition: "1"}
	if seal.Kind != "creature" || seal.Ruleset != want || seal.Origin.Page != 2 || seal.Origin.Book != "The Lampwright\u2019s Almanac" || seal.License.Expression != "CC0-1.0" {
		t.Errorf("the seal: %s, %+v, %+v, %+v", seal.Kind, seal.Ruleset, seal.Origin, seal.License)
	}
	var told struct {
		Places []struct {
			Page int
			Box  [4]float64
		}
		Text       string
		Confidence float64
	}
	if err := json.Unmarshal(seal.JSON, &told); err != nil || len(told.Places) == 0 || told.Places[0].Page != 2 || told.Places[0].Box[2] <= told.Places[0].Box[0] ||
		told.Confidence != 1 || !strings.Contains(told.Text, "comes home, though not always to its\n") {
		t.Errorf("the seal: %+v, %v", told, err)
	}

	tide := l.byID(t, book+"#table/what-the-tide-leaves")
	if got := string(tide.Facts); tide.Kind != "table" || !strings.Contains(got, `"formula":"1d6"`) || !strings.Contains(got, `{"range":[2,3],"weight":2,"text":"rope`) || len(tide.Warnings) > 0 {
		t.Errorf("the tide: %s %s %v", tide.Kind, got, tide.Warnings)
	}
	if oils := l.byID(t, book+"#table/oils"); oils.Kind != "rule" || !strings.Contains(oils.Texts[0].Markdown, "| Whale, old | two watches | 8 |") {
		t.Errorf("the oils: %s %s", oils.Kind, oils.Texts[0].Markdown)
	}
	if craft := l.byID(t, book+"#craft/borrowed-wick"); craft.Kind != "spell" || !slices.Equal(craft.FolderPath, []string{"Lampcraft"}) {
		t.Errorf("the craft: %s %v", craft.Kind, craft.FolderPath)
	}

	// The map is the very file that the module has.
	maps := l.byID(t, book).Assets
	if len(maps) != 1 || maps[0].Role != "map" || maps[0].MediaType != "image/jpeg" {
		t.Fatalf("pictures: %+v", maps)
	}
	got, err := os.ReadFile(maps[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	original, err := os.ReadFile("../../examples/FoundryData/modules/ninth-lamp/maps/pellwick-isle.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, original) {
		t.Error("the map is not as it is in the file")
	}
	l.checkChunks(t)
	for _, r := range l.records {
		if len(r.Warnings) > 0 {
			t.Errorf("%s: %v", r.ID, r.Warnings)
		}
	}
	if l.facts["pages"].Number != 3 || l.facts["roll_tables"].Number != 1 || l.facts["found_visitor"].Number != 3 || l.facts["entries_in_doubt"].Notable {
		t.Errorf("facts: %+v", l.facts)
	}
}

// checkChunks holds what chunks promise, and that what they refer to is there.
func (l *log) checkChunks(t *testing.T) {
	t.Helper()
	ids := map[string]bool{}
	for _, r := range l.records {
		if ids[r.ID] {
			t.Errorf("%s comes twice", r.ID)
		}
		ids[r.ID] = true
	}
	chunks := 0
	for _, r := range l.records {
		for _, link := range r.Links {
			if !ids[link.Target] {
				t.Errorf("%s refers to %s, which is not there", r.ID, link.Target)
			}
		}
		if r.NativeType != "pdf/chunk" {
			continue
		}
		chunks++
		var c struct {
			Text       string
			PageNumber int    `json:"page_number"`
			PageEnd    int    `json:"page_end"`
			Chapter    string `json:"chapter"`
			Content    string `json:"content_type"`
			Hash       string
		}
		if err := json.Unmarshal(r.JSON, &c); err != nil || c.Text == "" || c.PageNumber < 1 || c.PageEnd < c.PageNumber || c.Chapter == "" || len(c.Hash) != 64 ||
			len([]rune(c.Text)) > 1000 {
			t.Errorf("%s: %+v, %v", r.ID, c, err)
		}
	}
	if chunks == 0 {
		t.Error("there is no chunk")
	}
}

// TestAgain reads a file twice: the second time it need not be there for PDFium, whatever the number of processes, and says the
// same. What is kept for another time than allowed, or was damaged, is read again.
func TestAgain(t *testing.T) {
	books, _ := samples(t)
	s := newShelf(t)
	o := options{"files": []string{books}, "workers": 1}
	first := s.read(t, o)
	if first.metrics != (sdk.Metrics{Misses: 3}) {
		t.Errorf("first: %+v", first.metrics)
	}
	// A program that cannot be started shows that nobody starts it.
	t.Setenv("PATH", "")
	o["workers"] = 4
	second := s.read(t, o)
	if second.metrics != (sdk.Metrics{Hits: 3}) || !reflect.DeepEqual(first.records, second.records) || !reflect.DeepEqual(first.facts, second.facts) {
		t.Errorf("second: %+v, %d and %d records", second.metrics, len(first.records), len(second.records))
	}

	damaged := 0
	err := filepath.WalkDir(filepath.Join(s.dir, "pages"), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		damaged++
		return os.WriteFile(name, []byte("damaged"), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	third := s.read(t, o)
	if damaged == 0 || third.metrics.Misses != 3 || !reflect.DeepEqual(first.records, third.records) {
		t.Errorf("%d damaged; third: %+v", damaged, third.metrics)
	}
}

// TestNotRead: what looks like an entry and cannot be read is named with its page, where entries are wanted.
func TestNotRead(t *testing.T) {
	books, grammar := samples(t)
	text, err := os.ReadFile(grammar)
	if err != nil {
		t.Fatal(err)
	}
	const field = "      - {name: ballast, key: 'Ballast', type: int, required: true}\n"
	wanting := strings.Replace(string(text), field, field+"      - {name: keel, key: 'Keel', type: int, required: true}\n", 1)
	wanting = strings.Replace(wanting, "    ends: {heading: any}\n", "    ends: {heading: any}\n    confidence: {missing: 0.6}\n", 1)
	strict := filepath.Join(t.TempDir(), "strict.yaml")
	if err := os.WriteFile(strict, []byte(wanting), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options{"files": []string{books}, "grammars": []string{strict}}
	s := newShelf(t)
	l := s.read(t, o)
	want := []string{"pdf.entry_not_read", "pdf.entry_not_read", "pdf.entry_not_read"}
	if !slices.Equal(l.reports, want) || l.facts["entries_not_read"].Number != 3 || l.facts["found_visitor"].Number != 0 || len(l.skipped) > 0 {
		t.Errorf("reported %v, skipped %v, %+v", l.reports, l.skipped, l.facts["entries_not_read"])
	}
	if d := l.said[0]; d.Origin != (sdk.Origin{URI: "lampwrights-almanac.pdf", Page: 2}) ||
		!strings.HasSuffix(d.Summary, `looks like an entry of the kind visitor and could not be read: it lacks keel`) {
		t.Errorf("%+v", d)
	}
	o["leave_out"] = []string{"entities"}
	if l := s.read(t, o); len(l.reports) > 0 {
		t.Errorf("entries are not wanted, and reported is %v", l.reports)
	}
}

// TestPicturesGo: pictures of earlier runs make room, those of this one stay.
func TestPicturesGo(t *testing.T) {
	books, _ := samples(t)
	s := newShelf(t)
	large := make([]byte, 2<<20)
	sum := sha256.Sum256(large)
	path, before := filepath.Join(s.dir, "pictures", hex.EncodeToString(sum[:])), time.Now().Add(-time.Hour)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, large, 0o600), os.Chtimes(path, before, before))
	if err != nil {
		t.Fatal(err)
	}
	o := options{"files": []string{books}}
	for _, room := range []int{3, 1} {
		o["cache_mb"] = room
		l := s.read(t, o)
		if _, err := os.Stat(path); (err == nil) != (room == 3) {
			t.Errorf("with %d MB: %v", room, err)
		}
		for _, a := range l.byID(t, "lampwrights-almanac.pdf").Assets {
			if _, err := os.Stat(a.Path); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestResume ends a reading in the midst of a file: the next one takes the pages from what is kept.
func TestResume(t *testing.T) {
	books, _ := samples(t)
	s := newShelf(t)
	l := newLog()
	l.stop = 2
	o := options{"files": []string{books}}
	source := s.open(t, o)
	if err := source.Read(t.Context(), sdk.ReadRequest{}, l); !errors.Is(err, errEnough) || len(l.done) > 0 {
		t.Fatalf("%v, done %v", err, l.done)
	}
	again := s.read(t, o)
	if again.metrics != (sdk.Metrics{Hits: 3}) || len(again.done) != 1 {
		t.Errorf("%+v, done %d", again.metrics, len(again.done))
	}
	// What is complete is not read again.
	last := newLog()
	if err := s.open(t, o).Read(t.Context(), sdk.ReadRequest{State: again.done}, last); err != nil || len(last.records) > 0 {
		t.Errorf("%v, %d records", err, len(last.records))
	}
}

func TestOptions(t *testing.T) {
	books, grammar := samples(t)
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("grammar: bad\nform: 1\nentities:\n  - {kind: x, content: nonsense}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		o    options
		path string // of the mistake; empty: none
	}{
		{"files", options{"files": []string{books}, "grammars": []string{"dnd5e", grammar}}, ""},
		{"no files", options{"files": []string{}}, "/files"},
		{"a time", options{"files": []string{books}, "page_timeout": "soon"}, "/page_timeout"},
		{"no time", options{"files": []string{books}, "page_timeout": "0s"}, "/page_timeout"},
		{"a pattern", options{"files": []string{books}, "exclude": []string{"[a"}}, "/exclude/0"},
		{"a book", options{"files": []string{books}, "books": []any{map[string]any{"file": "[a"}}}, "/books/0/file"},
		{"a language", options{"files": []string{books}, "ocr": map[string]any{"languages": []string{"eng", "../x"}}}, "/ocr/languages/1"},
		{"an overlap", options{"files": []string{books}, "chunk_size": 300, "chunk_overlap": 200}, "/chunk_overlap"},
		{"a grammar's name", options{"files": []string{books}, "grammars": []string{"dnd6e"}}, "/grammars/0"},
		{"a grammar's file", options{"files": []string{books}, "grammars": []string{grammar, "gone.yaml"}}, "/grammars/1"},
		{"a grammar's mistakes", options{"files": []string{books}, "grammars": []string{bad}}, "/grammars/0"},
		{"an unknown one", options{"files": []string{books}, "pages": 3}, "/pages"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, err := json.Marshal(tt.o)
			if err != nil {
				t.Fatal(err)
			}
			source := pdf.New()
			err = source.Configure(t.Context(), sdk.Configuration{Source: "shelf", Options: text, WorkDir: t.TempDir()})
			if err == nil {
				// Some of it is seen when the source is opened first.
				_, err = source.Discover(t.Context())
			}
			if closing := source.(io.Closer).Close(); closing != nil {
				t.Error(closing)
			}
			var d *sdk.Diagnostic
			switch {
			case tt.path == "" && err != nil:
				t.Error(err)
			case tt.path != "" && (!errors.As(err, &d) || d.ConfigPath != tt.path || d.Kind != sdk.Invalid || d.Suggestion == ""):
				t.Errorf("got %v (%+v)", err, d)
			}
		})
	}
}

// TestFind names files by their place in the folder, each once, and says what is not there.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.pdf", "more/B.PDF", "more/notes.txt", ".hidden/c.pdf", "drafts/d.pdf"} {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	names := func(o options) string {
		streams, err := newShelf(t).open(t, o).Discover(t.Context())
		if err != nil {
			return err.Error()
		}
		var list []string
		for _, s := range streams {
			list = append(list, s.Name)
		}
		return strings.Join(list, " ")
	}
	for _, tt := range []struct {
		o    options
		want string
	}{
		{options{"files": []string{dir}}, "a.pdf drafts/d.pdf more/B.PDF"},
		{options{"files": []string{dir}, "exclude": []string{"drafts/*"}}, "a.pdf more/B.PDF"},
		{options{"files": []string{dir, filepath.Join(dir, "a.pdf"), filepath.Join(dir, "more")}}, "a.pdf drafts/d.pdf more/B.PDF"},
		{options{"files": []string{os.DevNull}}, os.DevNull + " is neither a file nor a folder"},
		{options{"files": []string{filepath.Join(dir, "gone")}}, filepath.Join(dir, "gone") + " is not there"},
	} {
		if got := names(tt.o); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%v: got %q, want %q", tt.o, got, tt.want)
		}
	}
	err := newShelf(t).open(t, options{"files": []string{filepath.Join(dir, ".hidden")}, "exclude": []string{"*"}}).Check(t.Context())
	if sdk.KindOf(err) != sdk.NotFound {
		t.Errorf("nothing to read: %v", err)
	}
}
