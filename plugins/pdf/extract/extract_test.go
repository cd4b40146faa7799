package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdfium"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdftest"
	"github.com/seed-98789ff7/converter/sdk"
)

// role says in the environment what the test binary is to be.
const role = "CONVERTER_TEST_PDF"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		code := m.Run()
		if left := children(); len(left) > 0 {
			fmt.Println("processes are left:", left)
			code = 1
		}
		os.Exit(code)
	case "good":
		if err := Work(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
	case "parent": // reads a page that takes forever, in a process that must die with this one
		self, _ := os.Executable()
		os.Setenv(role, "good")
		p := New(Config{Command: []string{self}, Workers: 1, CacheDir: pdfium.CacheDir(), PageTimeout: time.Hour})
		f, err := p.Open(context.Background(), os.Args[1], nil)
		if err != nil {
			panic(err)
		}
		for _, pid := range children() {
			fmt.Println(pid)
		}
		for range p.Pages(context.Background(), f, 1, 1) {
		}
	case "dies": // of the first request
		_, _, _ = readFrame(os.Stdin)
		_ = writeFrame(os.Stdout, kindReady, nil)
		_, _, _ = readFrame(os.Stdin)
		panic("the reader stumbled")
	case "babbles":
		_, _, _ = readFrame(os.Stdin)
		_ = writeFrame(os.Stdout, kindReady, nil)
		fmt.Print("no message at all, and a long one")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "unready":
		panic("there is no library")
	}
}

func pool(t *testing.T, c Config) *Pool {
	t.Helper()
	return poolAs(t, "good", c)
}

func poolAs(t *testing.T, as string, c Config) *Pool {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(role, as)
	c.Command, c.CacheDir = []string{self}, pdfium.CacheDir()
	if c.PageTimeout == 0 {
		c.PageTimeout = time.Minute // the machine may be busy
	}
	p := New(c)
	t.Cleanup(p.Close)
	return p
}

// children are the processes that this one has started, and that have not been waited for.
func children() (pids []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", os.Getpid()))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for word := range strings.FieldsSeq(string(text)) {
			pid, _ := strconv.Atoi(word)
			pids = append(pids, pid)
		}
	}
	return pids
}

func save(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// book is a file of so many pages, each of which says which one it is.
func book(n int) *pdftest.File {
	var file pdftest.File
	for i := range n {
		file.Page("", "", fmt.Sprintf("BT /F1 12 Tf 72 700 Td (Page %d of the book) Tj ET 72 600 200 0.5 re f", i+1))
	}
	return &file
}

func openFile(t *testing.T, p *Pool, path string) *File {
	t.Helper()
	f, err := p.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// all reads all pages, and gives the error that ended them.
func all(ctx context.Context, p *Pool, f *File) (pages []*page.Page, err error) {
	for got, err := range p.Pages(ctx, f, 1, f.Pages) {
		if err != nil {
			return pages, err
		}
		pages = append(pages, got)
	}
	return pages, nil
}

func codeOf(err error) string {
	if d, ok := errors.AsType[*sdk.Diagnostic](err); ok {
		return d.Code
	}
	return fmt.Sprint(err)
}

// TestOrder: pages come in their order and are the same, however many processes read them.
func TestOrder(t *testing.T) {
	file := book(150)
	file.Catalog = "/PageLabels <</Nums [0 <</S /r>>]>>"
	path := save(t, "book.pdf", file.Bytes())
	var first []byte
	for _, workers := range []int{1, 2, 4} {
		p := pool(t, Config{Workers: workers})
		pages, err := all(t.Context(), p, openFile(t, p, path))
		if err != nil || len(pages) != 150 {
			t.Fatalf("%d workers: %d pages, %v", workers, len(pages), err)
		}
		var form []byte
		for i, got := range pages {
			if got.Number != i+1 || got.Fragments[0].Text != fmt.Sprintf("Page %d of the book", i+1) || len(got.Rules) != 1 {
				t.Fatalf("%d workers: page %d is %+v", workers, i+1, got)
			}
			if form, err = got.AppendBinary(form); err != nil {
				t.Fatal(err)
			}
		}
		if pages[3].Label != "iv" {
			t.Errorf("page 4 is labelled %q", pages[3].Label)
		}
		if first == nil {
			first = form
		}
		if !bytes.Equal(first, form) {
			t.Errorf("%d workers read something else", workers)
		}
	}
}

// TestContent: a real book comes as it is read in this process.
// TestRange: some pages are some pages.
func TestRange(t *testing.T) {
	p := pool(t, Config{Workers: 2})
	f := openFile(t, p, save(t, "book.pdf", book(100).Bytes()))
	for _, tt := range []struct{ from, to, first, n int }{{20, 60, 20, 41}, {-5, 3, 1, 3}, {99, 500, 99, 2}, {7, 6, 0, 0}, {200, 300, 0, 0}} {
		var numbers []int
		for got, err := range p.Pages(t.Context(), f, tt.from, tt.to) {
			if err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, got.Number)
		}
		if len(numbers) != tt.n || tt.n > 0 && numbers[0] != tt.first {
			t.Errorf("%d to %d: %v", tt.from, tt.to, numbers)
		}
	}
}

// TestBreak: who stops in the midst leaves nothing running, and the pool goes on.
func TestBreak(t *testing.T) {
	p := pool(t, Config{Workers: 2})
	f := openFile(t, p, save(t, "book.pdf", book(200).Bytes()))
	for got := range p.Pages(t.Context(), f, 1, 200) {
		if got.Number == 5 {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	var last error
	for _, err := range p.Pages(ctx, f, 1, 200) {
		if last = err; err != nil {
			break
		}
		if seen++; seen == 3 {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("cancelled after 3 pages: %d came, then %v", seen, last)
	}
	if pages, err := all(t.Context(), p, f); err != nil || len(pages) != 200 {
		t.Errorf("afterwards: %d pages, %v", len(pages), err)
	}
}

// TestFiles: each kind of file that cannot be read has its name.
func TestFiles(t *testing.T) {
	p := pool(t, Config{Workers: 1, Limits: Limits{FileMB: 1}})
	whole := book(1).Bytes()
	none := book(0).Bytes()
	for _, tt := range []struct {
		name string
		data []byte
		code string
	}{
		{"empty", nil, CodeEmpty},
		{"text", []byte("once upon a time"), CodeNotPDF},
		{"header", []byte("%PDF-1.7\n"), CodeDamaged},
		{"cut", whole[:len(whole)/5], CodeDamaged},
		{"without pages", none, CodeEmpty},
		{"large", append(bytes.Clone(whole), make([]byte, 1<<20)...), CodeTooLarge},
		{"strangely encrypted", bytes.Replace(whole, []byte("/Root 1 0 R"), []byte("/Root 1 0 R /Encrypt <</Filter /Magic /V 4>> /ID [(a) (b)]"), 1), CodeSecurity},
		{"late header", append(bytes.Repeat([]byte{'\n'}, 500), whole...), ""},
	} {
		_, err := p.Open(t.Context(), save(t, tt.name, tt.data), nil)
		if tt.code == "" && err == nil {
			continue
		}
		d, ok := errors.AsType[*sdk.Diagnostic](err)
		if !ok || d.Code != tt.code || !strings.Contains(d.Summary, tt.name) || d.Suggestion == "" {
			t.Errorf("%s: %+v, want %s", tt.name, err, tt.code)
		}
	}
	if _, err := p.Open(t.Context(), filepath.Join(t.TempDir(), "nowhere.pdf"), nil); codeOf(err) != CodeGone || sdk.KindOf(err) != sdk.NotFound {
		t.Errorf("nowhere: %v", err)
	}
	if _, err := p.Open(t.Context(), t.TempDir(), nil); codeOf(err) != CodeNotPDF {
		t.Errorf("a folder: %v", err)
	}
}

// TestEdge: the files of the shared set.
// endless is content that nobody reads to its end in time.
func endless() []byte {
	return pdftest.Repeat(bytes.Repeat([]byte("1 2 m 3 4 5 6 7 8 c S\n"), 1<<15), 640) // 460 MB
}

// TestBombs: what a file does to PDFium is over with the page's time, has its name, and does not touch another file.
// TestBadPageAmongOthers: one page costs the others nothing.
// TestManyPages: what a file has beyond the limit is not read, and is known.
// TestPagesInARowFail: after ten pages that cannot be read the rest is not tried, with any number of processes.
// TestKilled: a process killed in the midst costs nothing but time.
func TestKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("children are found by /proc")
	}
	p := pool(t, Config{Workers: 2})
	path := save(t, "book.pdf", book(300).Bytes())
	f := openFile(t, p, path)
	n := 0
	for got, err := range p.Pages(t.Context(), f, 1, 300) {
		if err != nil || got.Failed() || got.Fragments[0].Text != fmt.Sprintf("Page %d of the book", got.Number) {
			t.Fatalf("page %+v, %v", got, err)
		}
		if n++; n != got.Number {
			t.Fatalf("page %d came as number %d", got.Number, n)
		}
		if n%40 == 1 {
			for _, pid := range children() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
	if n != 300 {
		t.Errorf("%d pages", n)
	}
}

// TestDies: a process that always dies is not started forever.
func TestDies(t *testing.T) {
	path := save(t, "book.pdf", book(3).Bytes())
	for as, code := range map[string]string{"dies": CodeTrap, "babbles": CodeTrap, "unready": CodeWorker} {
		p := poolAs(t, as, Config{Workers: 1})
		if _, err := p.Open(t.Context(), path, nil); codeOf(err) != code {
			t.Errorf("%s: %v", as, err)
		}
		pages, err := all(t.Context(), p, &File{Path: path, Pages: 3, Document: &page.Document{}})
		if as == "unready" && codeOf(err) != CodeWorker {
			t.Errorf("%s: %v", as, err)
		}
		if as != "unready" && (err != nil || len(pages) != 3 || pages[2].Faults[0].Code != CodePageTrap) {
			t.Errorf("%s: %d pages, %v", as, len(pages), err)
		}
	}
	p := New(Config{Command: []string{"/nowhere/converter"}})
	defer p.Close()
	if _, err := p.Open(t.Context(), path, nil); codeOf(err) != CodeWorker || !strings.Contains(sdk.Diagnose(err, "")[0].Detail, "/nowhere") {
		t.Errorf("no program: %v", err)
	}
}

// TestRetired: processes are replaced when they have done enough.
// TestChanged: a file that is another one by now is read anew.
func TestChanged(t *testing.T) {
	p := pool(t, Config{Workers: 1})
	path := save(t, "book.pdf", book(2).Bytes())
	if f := openFile(t, p, path); f.Pages != 2 {
		t.Errorf("%d pages", f.Pages)
	}
	if err := os.WriteFile(path, book(7).Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if f := openFile(t, p, path); f.Pages != 7 {
		t.Errorf("%d pages after a change", f.Pages)
	}
}

// TestOrphans: processes die with the one that started them, whatever they are doing.
func TestOrphans(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere a process sees the end of its input")
	}
	var file pdftest.File
	file.PageOf("", "", file.Stream("/Filter /FlateDecode", endless()))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(role, "parent")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	parent, err := os.StartProcess(self, []string{self, save(t, "bomb.pdf", file.Bytes())}, &os.ProcAttr{Files: []*os.File{nil, w, os.Stderr}})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	var child int
	if _, err := fmt.Fscan(r, &child); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(child, 0); err != nil {
		t.Fatalf("process %d: %v", child, err)
	}
	_ = parent.Kill()
	_, _ = parent.Wait()
	for deadline := time.Now().Add(30 * time.Second); alive(child); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d lives on", child)
		}
	}
}

// alive says whether a process runs; one that nobody has waited for does not.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(text), ") Z ")
}

// TestFrames: what is written is read, and what was not is refused without taking its word for how long it is.
func TestFrames(t *testing.T) {
	var b bytes.Buffer
	if err := writeJSON(&b, kindRequest, request{Path: "x"}); err != nil {
		t.Fatal(err)
	}
	whole := bytes.Clone(b.Bytes())
	if k, content, err := readFrame(&b); err != nil || k != kindRequest || !bytes.Contains(content, []byte(`"x"`)) {
		t.Errorf("got %c, %q, %v", k, content, err)
	}
	if _, _, err := readFrame(&b); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	for n := 1; n < len(whole); n++ {
		if _, _, err := readFrame(bytes.NewReader(whole[:n])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut off after %d: %v", n, err)
		}
	}
	if _, _, err := readFrame(strings.NewReader("p\xff\xff\xff\xff")); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an endless message: %v", err)
	}
}
