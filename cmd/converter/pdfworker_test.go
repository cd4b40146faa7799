package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf"
	"github.com/seed-98789ff7/converter/plugins/pdf/extract"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdfium"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdftest"
)

// TestPDFWorker: the program reads PDF files for a pool that starts it.
func TestPDFWorker(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var file pdftest.File
	for i := range 70 {
		file.Page("", "", fmt.Sprintf("BT /F1 12 Tf 72 700 Td (Page %d) Tj ET", i+1))
	}
	path := filepath.Join(t.TempDir(), "book.pdf")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	p := extract.New(extract.Config{Command: []string{self, pdf.WorkerCommand}, Workers: 2, CacheDir: pdfium.CacheDir()})
	defer p.Close()
	f, err := p.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for got, err := range p.Pages(t.Context(), f, 1, f.Pages) {
		n++
		if err != nil || len(got.Fragments) != 1 || got.Fragments[0].Text != fmt.Sprintf("Page %d", n) {
			t.Fatalf("page %d: %+v, %v", n, got, err)
		}
	}
	if n != 70 {
		t.Errorf("%d pages", n)
	}
}
