//go:build integration

package extract

import (
	"bytes"
	"fmt"
	"image/png"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdftest"
)

func TestContent(t *testing.T) {
	path := filepath.Join(testdata.Dir(t, "pdf"), "dungeon-world-pocket.pdf")
	want := pdftest.Read(t, path)
	for _, workers := range []int{1, 2, 4} {
		p := pool(t, Config{Workers: workers})
		f := openFile(t, p, path)
		pages, err := all(t.Context(), p, f)
		page.Mend(pages)
		if err != nil || !reflect.DeepEqual(pages, want.Pages) || !reflect.DeepEqual(f.Document, want.Document) {
			t.Errorf("%d workers: %d pages, %v", workers, len(pages), err)
		}
	}
}

func TestEdge(t *testing.T) {
	dir := filepath.Join(testdata.Dir(t, "pdf"), "edge")
	p := pool(t, Config{Workers: 1})
	for _, tt := range []struct {
		name      string
		passwords []string
		code      string
		pages     int
	}{
		{"encrypted-user-password.pdf", nil, CodePassword, 0},
		{"encrypted-user-password.pdf", []string{"wrong", "also"}, CodePassword, 0},
		{"encrypted-user-password.pdf", []string{"wrong", "user", "also"}, "", 34},
		{"encrypted-owner-only.pdf", nil, "", 34},
		{"encrypted-owner-only.pdf", []string{"wrong"}, "", 34},
		{"truncated.pdf", nil, CodeDamaged, 0},
		{"bad-xref.pdf", nil, "", 34},
		{"empty.pdf", nil, CodeEmpty, 0},
		{"header-only.pdf", nil, CodeDamaged, 0},
		{"scanned-two-pages.pdf", nil, "", 2},
	} {
		f, err := p.Open(t.Context(), filepath.Join(dir, tt.name), tt.passwords)
		if tt.code != "" {
			if codeOf(err) != tt.code {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		pages, err := all(t.Context(), p, f)
		if err != nil || len(pages) != tt.pages || f.Document.Encrypted != strings.HasPrefix(tt.name, "encrypted") {
			t.Errorf("%s: %d pages, %v, %+v", tt.name, len(pages), err, f.Document)
		}
		if strings.HasPrefix(tt.name, "scanned") {
			for i, got := range pages {
				if got.Chars != 0 || len(got.Images) != 1 || got.Images[0].Filter != "jpeg" {
					t.Errorf("scanned page %d: %+v", i+1, got)
				}
			}
			picture, err := p.Picture(t.Context(), f, 2, 0)
			if err != nil || picture.Type != "image/jpeg" || !picture.Stored {
				t.Errorf("scan: %+v, %v", picture, err)
			}
		}
	}
}

func TestBombs(t *testing.T) {
	path := func(file *pdftest.File) string { return save(t, "bomb.pdf", file.Bytes()) }
	one := func(fill func(file *pdftest.File)) *pdftest.File {
		file := &pdftest.File{}
		fill(file)
		return file
	}
	const clock = 2 * time.Second
	for _, tt := range []struct {
		name  string
		file  *pdftest.File
		codes []string // one of which the first page has, or the error
		more  func(t *testing.T, pages []*page.Page, err error)
	}{
		{"paths", one(func(f *pdftest.File) { f.PageOf("", "", f.Stream("/Filter /FlateDecode", endless())) }), []string{CodePageTimeout, CodePageMemory}, nil},
		{"characters", one(func(f *pdftest.File) {
			text := bytes.Repeat([]byte("(goblins and kobolds and orcs and more goblins of the keep) Tj T*\n"), 100_000)
			f.PageOf("", "", f.Stream("/Filter /FlateDecode", pdftest.Deflate(append([]byte("BT /F1 9 Tf 9 TL 20 780 Td "), text...))))
		}), []string{"page_limit", CodePageTimeout, CodePageMemory}, nil},
		{"deflated twice", one(func(f *pdftest.File) {
			f.PageOf("", "", f.Stream("/Filter [/FlateDecode /FlateDecode]", pdftest.Deflate(pdftest.Repeat(make([]byte, 1<<20), 1<<10))))
		}), []string{"", CodePageTimeout, CodePageMemory}, nil},
		{"large picture", one(func(f *pdftest.File) {
			m := f.Stream("/Type /XObject /Subtype /Image /Width 60000 /Height 60000 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode", pdftest.Repeat(make([]byte, 1<<20), 100))
			f.Page("", fmt.Sprintf("/XObject <</P %d 0 R>>", m), "q 600 0 0 700 0 0 cm /P Do Q")
		}), []string{""}, nil},
		{"forms in themselves", one(func(f *pdftest.File) {
			n := f.Add("")
			f.Set(n, pdftest.Stream(fmt.Sprintf("/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources <</XObject <</X %d 0 R>>>>", n), []byte("/X Do /X Do /X Do")))
			f.Page("", fmt.Sprintf("/XObject <</X %d 0 R>>", n), "/X Do")
		}), []string{"", CodePageTimeout, CodePageMemory, CodePageTrap}, nil},
		{"forms of forms", one(func(f *pdftest.File) { // each twice as many as the one before
			n := f.Stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", []byte("0 0 m 9 9 l S"))
			for range 30 {
				n = f.Stream(fmt.Sprintf("/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources <</XObject <</X %d 0 R>>>>", n), []byte("/X Do /X Do"))
			}
			f.Page("", fmt.Sprintf("/XObject <</X %d 0 R>>", n), "/X Do")
		}), []string{"", "page_limit", CodePageTimeout, CodePageMemory, CodePageTrap}, nil},
		{"a million pages that are not there", one(func(f *pdftest.File) { f.Page("", "", ""); f.Count = 1_000_000 }), []string{""}, func(t *testing.T, pages []*page.Page, err error) {
			t.Helper()
			if len(pages) > 11 || err != nil && codeOf(err) != CodeDamaged {
				t.Errorf("%d pages, %v", len(pages), err)
			}
		}},
		{"a page of no size to speak of", one(func(f *pdftest.File) {
			f.Page("/MediaBox [0 0 2000000 2000000]", "", "BT /F1 12 Tf 9 9 Td (far) Tj ET")
		}), []string{""}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			good := save(t, "good.pdf", book(40).Bytes())
			bad := path(tt.file)
			p := pool(t, Config{Workers: 2, PageTimeout: clock})
			warm := openFile(t, p, good) // so that the clock is of pages, not of compiling PDFium
			var group sync.WaitGroup
			defer group.Wait()
			group.Go(func() {
				if pages, err := all(t.Context(), p, warm); err != nil || len(pages) != 40 || pages[39].Failed() {
					t.Errorf("the other file: %d pages, %v", len(pages), err)
				}
			})
			begin := time.Now()
			f, err := p.Open(t.Context(), bad, nil)
			var pages []*page.Page
			if err == nil {
				pages, err = all(t.Context(), p, f)
			}
			t.Logf("%v, %v", time.Since(begin), err)
			if tt.more != nil {
				tt.more(t, pages, err)
				return
			}
			if err != nil || len(pages) != 1 {
				t.Fatalf("%d pages, %v", len(pages), err)
			}
			code := ""
			if len(pages[0].Faults) > 0 {
				code = pages[0].Faults[0].Code
				t.Logf("%+v", pages[0].Faults)
			}
			found := false
			for _, want := range tt.codes {
				found = found || code == want
			}
			if !found {
				t.Errorf("the page has %q, want one of %q", code, tt.codes)
			}
			if tt.name == "large picture" {
				if _, err := p.Picture(t.Context(), f, 1, 0); codeOf(err) != CodeImageLimit {
					t.Errorf("the picture: %v", err)
				}
				if _, err := p.Render(t.Context(), f, 1, 200, "image/png"); err != nil && codeOf(err) != CodePageTimeout && codeOf(err) != CodePageMemory {
					t.Errorf("the page drawn: %v", err)
				}
			}
		})
	}
}

func TestBadPageAmongOthers(t *testing.T) {
	file := book(5)
	file.PageOf("", "", file.Stream("/Filter /FlateDecode", endless()))
	for i := range 5 {
		file.Page("", "", fmt.Sprintf("BT /F1 12 Tf 72 700 Td (Page %d) Tj ET", i+7))
	}
	for _, workers := range []int{1, 2} {
		p := pool(t, Config{Workers: workers, PageTimeout: 2 * time.Second})
		f := openFile(t, p, save(t, "book.pdf", file.Bytes()))
		pages, err := all(t.Context(), p, f)
		if err != nil || len(pages) != 11 {
			t.Fatalf("%d pages, %v", len(pages), err)
		}
		for i, got := range pages {
			if got.Failed() != (i == 5) || i != 5 && len(got.Fragments) != 1 {
				t.Errorf("page %d: %+v", i+1, got)
			}
		}
	}
}

func TestManyPages(t *testing.T) {
	var file pdftest.File
	content := file.Stream("", []byte("BT /F1 12 Tf 72 700 Td (again) Tj ET"))
	for range 100_000 {
		file.PageOf("", "", content)
	}
	p := pool(t, Config{Workers: 2, Limits: Limits{FilePages: 300, FileChars: 1000}})
	f := openFile(t, p, save(t, "many.pdf", file.Bytes()))
	if f.Document.Pages != 100_000 || f.Pages != 300 {
		t.Errorf("%d pages, of which %d are read", f.Document.Pages, f.Pages)
	}
	pages, err := all(t.Context(), p, f)
	p.Close()
	if left := children(); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	if codeOf(err) != CodeTooLarge || len(pages) != 201 { // of five characters each
		t.Errorf("%d pages, %v", len(pages), err)
	}
}

func TestPagesInARowFail(t *testing.T) {
	file := book(30)
	for range 100 {
		file.PageNumber(999_999) // which is not there
	}
	path := save(t, "damaged.pdf", file.Bytes())
	for _, workers := range []int{1, 2, 4} {
		p := pool(t, Config{Workers: workers})
		f := openFile(t, p, path)
		pages, err := all(t.Context(), p, f)
		if codeOf(err) != CodeDamaged || len(pages) != 40 || pages[29].Failed() || !pages[30].Failed() {
			t.Errorf("%d workers: %d pages, %v", workers, len(pages), err)
		}
	}
}

func TestRetired(t *testing.T) {
	p := pool(t, Config{Workers: 1})
	f := openFile(t, p, save(t, "book.pdf", book(40).Bytes()))
	seen := map[int]bool{}
	for range 14 { // 560 pages
		if _, err := all(t.Context(), p, f); err != nil {
			t.Fatal(err)
		}
		for _, pid := range children() {
			seen[pid] = true
		}
	}
	if runtime.GOOS == "linux" && len(seen) != 2 {
		t.Errorf("%d processes for 560 pages", len(seen))
	}
}

func TestDrawn(t *testing.T) {
	p := pool(t, Config{Workers: 1})
	f := openFile(t, p, save(t, "book.pdf", book(2).Bytes()))
	picture, err := p.Render(t.Context(), f, 2, 396, "image/png")
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(picture.Data))
	if err != nil || m.Bounds().Dy() != 396 || m.Bounds().Dx() != 306 || picture.Width != 306 {
		t.Errorf("%+v, %v", picture, err)
	}
	for _, wrong := range []func() error{
		func() error { _, err := p.Render(t.Context(), f, 3, 100, "image/png"); return err },
		func() error { _, err := p.Render(t.Context(), f, 0, 100, "image/png"); return err },
		func() error { _, err := p.Picture(t.Context(), f, 1, 0); return err },
	} {
		if err := wrong(); codeOf(err) != CodePageDamaged {
			t.Errorf("got %v", err)
		}
	}
}
