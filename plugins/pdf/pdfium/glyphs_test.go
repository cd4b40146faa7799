//go:build integration

package pdfium

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
)

// TestGlyphs: glyphs lie where they are looked for, and are what PDFium says of each.
func TestGlyphs(t *testing.T) {
	books := testdata.Dir(t, "pdf")
	library, err := Load(t.Context(), Config{CacheDir: CacheDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer library.Close(t.Context())
	for name, pages := range map[string][]int{
		"srd-5.1-cc.pdf": {1, 15, 261, 403}, "dungeon-world-pocket.pdf": {20, 100}, "odd6-core.pdf": {12}, "dnd-5e-latex-example.pdf": {2},
	} {
		f := openFile(t, library, filepath.Join(books, name))
		for _, n := range pages {
			same(t, f, n)
		}
		if err := f.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// same compares the glyphs of a page where they are kept with what is said of them.
func same(t *testing.T, f *File, n int) {
	t.Helper()
	call := func(name string, arguments ...uint64) uint64 {
		result, err := f.call(t.Context(), name, arguments...)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	text := call("FPDFText_LoadPage", call("FPDF_LoadPage", f.document, uint64(n-1)))
	count := int(call("FPDFText_CountChars", text))
	from, err := f.glyphs(t.Context(), text, count)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := from.(*kept); !ok || count == 0 {
		t.Fatalf("page %d: %d glyphs do not lie where they should: is this another build?", n, count)
	}
	said, err := f.ask(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		var got, want glyph
		if err := from.glyph(t.Context(), i, &got); err != nil {
			t.Fatal(err)
		}
		if err := said.glyph(t.Context(), i, &want); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("page %d, glyph %d: %+v, want %+v, %v", n, i, got, want, err)
		}
	}
	// A count that is another one's shows that the list is elsewhere: then PDFium is asked.
	other, err := f.glyphs(t.Context(), text, count-1)
	if _, ok := other.(*asked); !ok || err != nil {
		t.Errorf("page %d: a list of another length was taken for that of its glyphs, %v", n, err)
	}
}
